"""The waiting between restarts."""

import pytest

from anhu.keeper import describe_exit, restart_delay_s


@pytest.mark.parametrize(
    ("quick_failures", "delay_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 10.0), (1000, 10.0)]
)
def test_the_wait_doubles_up_to_its_bound(quick_failures: int, delay_s: float) -> None:
    assert restart_delay_s(quick_failures) == delay_s


@pytest.mark.parametrize(("code", "words"), [(3, "ended with code 3"), (-9, "killed by SIGKILL")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
