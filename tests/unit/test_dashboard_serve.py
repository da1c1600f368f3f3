"""How many pages one process may serve."""

import subprocess
import sys

# In processes of their own: a limit that was lowered for good cannot be raised again. They are forked from one that has
# read the program, which takes two seconds.
PROGRAM = """
import os, resource
from dashboard.serve import allow_clients
for now, most in [(256, 2000), (256, 700), (1500, 2000)]:
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
        allow_clients(1000)
        print(*resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_files_are_allowed_for_every_page_as_far_as_the_system_lets_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1256 2000", "700 700", "1500 2000"]
