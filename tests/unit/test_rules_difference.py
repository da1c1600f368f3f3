"""What one rule set has that another has not, and where in a file its problems stand."""

import pytest

from alerting.alert import Kind, Priority
from alerting.backtest import Difference as Shift
from alerting.backtest import Raised
from alerting.backtest_job import EXAMPLES_MAX, summary
from alerting.errors import RulesInvalid
from alerting.explanation import describe
from alerting.rules import default_rules, parse
from alerting.rules_difference import SUPERVISION, Change, difference
from alerting.rules_lines import placed

SHIPPED = default_rules()


def without(text: str, rule: str) -> str:
    """The file without one rule."""
    head, _, rest = text.partition(f'id = "{rule}"')
    begin = head.rindex("[[rule]]")
    end = rest.index("\n[[")
    return head[:begin] + rest[end + 1 :]


def test_nothing_differs_from_itself() -> None:
    assert difference(parse(SHIPPED), parse(SHIPPED + "\n# a remark\n")).empty


def test_what_was_added_removed_and_changed_is_told_by_field() -> None:
    older = without(SHIPPED, "battery.low.contact").replace(
        "raise_at = 15\nclear_at = 25", "raise_at = 20\nclear_at = 25"
    )
    older = older.replace('title_en = "Battery is low"', 'title_en = "The battery is low"')
    older = older.replace("[supervision]", "[supervision]\nintervals = 9", 1) if "intervals" not in SHIPPED else older
    told = difference(parse(older), parse(SHIPPED))
    assert told.added == ("battery.low.contact",)
    assert told.removed == ()
    assert told.changed["battery.low"] == (Change("raise_at", "20", "15"),)  # the title is no judgement
    assert difference(parse(SHIPPED), parse(older)).removed == ("battery.low.contact",)


def test_a_title_alone_is_only_wording_and_the_supervision_counts() -> None:
    worded = SHIPPED.replace('title_en = "Battery is low"', 'title_en = "Low"')
    told = difference(parse(SHIPPED), parse(worded))
    assert (told.changed, told.wording) == ({}, ("battery.low",))
    slack = SHIPPED.replace("\nintervals = ", "\nintervals = 9#", 1)
    changed = difference(parse(SHIPPED), parse(slack)).changed
    assert [each.field for each in changed[SUPERVISION]] == ["intervals"]


@pytest.mark.parametrize(
    ("broken", "line_of", "words"),
    [
        (SHIPPED.replace('kind = "low_battery"', 'kind = "flood"', 1), 'id = "battery.low.contact"', "flood"),
        (SHIPPED.replace('id = "battery.low"\n', 'id = "fire.smoke"\n'), 'id = "fire.smoke"', "stands twice"),
    ],
)
def test_a_problem_has_the_line_of_its_table(broken: str, line_of: str, words: str) -> None:
    with pytest.raises(RulesInvalid) as caught:
        parse(broken)
    found = [(line, text) for line, text in placed(broken, caught.value.problems) if words in text]
    assert found
    headers = [number for number, text in enumerate(broken.splitlines(), 1) if text == "[[rule]]"]
    lines = [number for number, text in enumerate(broken.splitlines(), 1) if text.startswith(line_of)]
    assert found[0][0] in {max(header for header in headers if header < line) for line in lines}


def test_a_file_that_is_no_toml_has_the_line_that_the_parser_names() -> None:
    broken = 'version = "1"\n[[rule]\n'
    with pytest.raises(RulesInvalid) as caught:
        parse(broken)
    assert [line for line, _ in placed(broken, caught.value.problems)] == [2]


def test_every_rule_and_combination_is_described() -> None:
    rules = parse(SHIPPED)
    told = describe(rules)
    assert [each.rule for each in told] == [*(r.id for r in rules.rules), *(c.id for c in rules.combinations)]
    assert all(each.text_zh and each.text_en and each.holds is None for each in told)


def test_a_backtest_is_summed_up_with_bounded_examples() -> None:
    def raised(number: int, at_us: int) -> Raised:
        return Raised(number, Kind.GAS, Priority.HIGH, "gas.high", at_us)

    found = [
        Shift(raised(1, 0), raised(1, 0)),
        Shift(raised(2, 9_000_000), raised(2, 4_000_000)),
        Shift(raised(3, 1), None),
        *(Shift(None, raised(4, each)) for each in range(EXAMPLES_MAX + 7)),
    ]
    told = summary(found, 12)
    assert told["counts"] == {"less": 1, "later": 0, "more": EXAMPLES_MAX + 7, "earlier": 1, "same": 1}
    assert [each["change"] for each in told["examples"]] == ["less", *["more"] * EXAMPLES_MAX, "earlier"]
    assert told["examples"][-1]["shift_s"] == -5.0
    assert told["reading_count"] == 12
