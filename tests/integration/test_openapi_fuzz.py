"""What the OpenAPI document permits and forbids, and odd values, with every operation: see openapi_fuzz.py.

`ANHU_FUZZ_EXAMPLES` says how many of each an operation is tried with; `make test-fuzz` takes more than `make test`.
"""

import os

import pytest

from tests.integration.dashboard_world import serve
from tests.integration.people_world import build_two

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("ANHU_FUZZ_EXAMPLES", "1"))
ODD_PER_EXAMPLE = 3


@pytest.mark.timeout(1200)  # half a minute of work, beside whatever else the machine does; more with more examples
def test_every_operation_answers_as_described_whatever_it_is_sent(shared_database_url: str) -> None:
    from tests.integration.openapi_fuzz import Fuzz, try_everything  # not in every worker: see tests/conftest.py

    two = build_two(shared_database_url)
    with serve(two.world) as served:
        fuzz = Fuzz(two, served, ("admin", "operator"))
        try_everything(fuzz, EXAMPLES, EXAMPLES * ODD_PER_EXAMPLE)
    assert not fuzz.faults, f"{len(fuzz.faults)}\n" + "\n".join(fuzz.faults)
    # Whoever refuses everything has shown nothing: most operations did what they are for, for somebody.
    served_well = {label for label, status in fuzz.statuses if status < 400}
    assert len(served_well) > 90, sorted(served_well)
