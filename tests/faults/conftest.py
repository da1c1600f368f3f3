"""The stand that most faults share, and the table at the end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from anhu import packages
from tests.faults.report import table, write_page
from tests.faults.stand import Stand, stand
from tests.faults.trial import OUTCOMES

INSTITUTIONS = [f"f{number:02d}" for number in range(1, 31)]


@pytest.fixture(scope="session")
def programs_dir(packages_dir: Path) -> Path:
    """The folder of the private programs, with the programs in it if this machine has none of its own."""
    packages.find(packages_dir, progress=print)
    return packages_dir


@pytest.fixture(scope="session")
def veteran(programs_dir: Path) -> Iterator[Stand]:
    """A service that has been through all faults before."""
    with stand(programs_dir, INSTITUTIONS) as made:
        yield made


@pytest.fixture
def common(veteran: Stand) -> Stand:
    """A service for all faults that need none of their own; it runs, whatever became of the test before."""
    if veteran.service.process.poll() is not None:
        veteran.service.end()
        veteran.start()
    return veteran


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """The table; with ANHU_FAULT_PAGE, and when everything held, also into that file."""
    if not OUTCOMES:
        return
    terminalreporter.write_line("")
    for line in table(OUTCOMES):
        terminalreporter.write_line(line)
    page = os.environ.get("ANHU_FAULT_PAGE")
    if page and exitstatus == 0:
        write_page(Path(page), OUTCOMES)
        terminalreporter.write_line(f"written to {page}")
