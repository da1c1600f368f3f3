"""How many pages one process may serve."""

import subprocess
import sys

import pytest

# In a process of its own: a limit that was lowered for good cannot be raised again.
PROGRAM = """
import resource
from dashboard.serve import allow_clients
resource.setrlimit(resource.RLIMIT_NOFILE, ({now}, {most}))
allow_clients(1000)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("now", "most", "after"), [(256, 2000, 1256), (256, 700, 700), (1500, 2000, 1500)])
def test_files_are_allowed_for_every_page_as_far_as_the_system_lets_it(now: int, most: int, after: int) -> None:
    argv = [sys.executable, "-c", PROGRAM.format(now=now, most=most)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(after), str(most)]
