"""What is known to go wrong is told in words, without a trace."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from rich.console import Console

from alerting.errors import AlertingError
from anhu.errors import AnhuError
from anhu.redaction import Redactor, secrets_of
from dashboard.errors import DashboardError
from ingest.errors import IngestError
from ingest.settings import config_path
from inspection.errors import InspectionError
from simulators.errors import SimulatorError

console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What is known to go wrong ends the process with code 1; anything else is a bug and shows."""
    try:
        yield
    except (AnhuError, IngestError, AlertingError, InspectionError, DashboardError, SimulatorError) as error:
        _fail(str(error), error)
    except ValidationError as error:
        _fail("\n".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()), error)
    except tomllib.TOMLDecodeError as error:
        _fail(f"{config_path()}: {error}", error)


def _fail(message: str, error: Exception) -> None:
    console.print(Redactor(secrets_of(os.environ)).words(message), style="red", markup=False)
    raise SystemExit(1) from error
