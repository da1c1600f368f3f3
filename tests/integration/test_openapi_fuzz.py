"""What the OpenAPI document permits and forbids, and odd values, with every operation: see openapi_fuzz.py.

`ANHU_FUZZ_EXAMPLES` says how many of each an operation is tried with; `make test-fuzz` takes more than `make test`.
"""

import os

import pytest
from schemathesis import GenerationMode

from tests.integration.dashboard_world import serve
from tests.integration.openapi_fuzz import ANYBODY, Fuzz, expected, made, odd, operations, with_things
from tests.integration.people_world import build_two

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("ANHU_FUZZ_EXAMPLES", "1"))
ODD_PER_EXAMPLE = 3


def test_every_operation_answers_as_described_whatever_it_is_sent(shared_database_url: str) -> None:
    two = build_two(shared_database_url)
    usernames = ("admin", "operator")
    with serve(two.world) as served:
        fuzz = Fuzz(two, served, usernames)
        for operation in operations():
            tokens = fuzz.people()
            known = expected(operation)
            positive = made(operation, GenerationMode.POSITIVE, EXAMPLES)
            negative = made(operation, GenerationMode.NEGATIVE, EXAMPLES) if EXAMPLES > 1 else []
            cases = [*positive, *negative]
            if known is not None:
                cases += [with_things(case, two, known) for case in cases]
            cases += odd(operation, two, EXAMPLES * ODD_PER_EXAMPLE)
            for case in cases:
                for who in usernames:
                    fuzz.send(case, who, tokens[who])
            fuzz.send(cases[0], ANYBODY, "")
    assert not fuzz.faults, f"{len(fuzz.faults)}\n" + "\n".join(fuzz.faults)
    # Whoever refuses everything has shown nothing: most operations did what they are for, for somebody.
    served_well = {label for label, status in fuzz.statuses if status < 400}
    assert len(served_well) > 90, sorted(served_well)
