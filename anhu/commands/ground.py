"""What the commands stand on: errors told in words, and the database they work with."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from alerting.errors import AlertingError
from anhu.data_folder import default_data_dir
from anhu.embedded import Surroundings, surroundings
from anhu.errors import AnhuError
from dashboard.errors import DashboardError
from ingest.errors import IngestError
from ingest.settings import Connections, config_path
from inspection.errors import InspectionError
from simulators.errors import SimulatorError

console = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None,
    typer.Option(envvar="ANHU_DATA_DIR", show_envvar=True, help="数据目录 / the data folder.", show_default=False),
]


def progress(line: str) -> None:
    """Tell the operator what is going on."""
    console.print(line, markup=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What is known to go wrong is told in words and ends the command with code 1; anything else is a bug and shows."""
    try:
        yield
    except (AnhuError, IngestError, AlertingError, InspectionError, DashboardError, SimulatorError) as error:
        _fail(str(error), error)
    except ValidationError as error:
        _fail("\n".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()), error)
    except tomllib.TOMLDecodeError as error:
        _fail(f"{config_path()}: {error}", error)


def _fail(message: str, error: Exception) -> None:
    console.print(message, style="red", markup=False)
    raise typer.Exit(1) from error


@contextmanager
def services(data_dir: Path | None, *, reuse: bool = True, packages_dir: Path | None = None) -> Iterator[Surroundings]:
    """The configured servers, or the embedded ones; with `reuse`, those of a service that runs already."""
    configured = Connections()
    env = dict(os.environ)
    for name, value in (("ANHU_DATABASE_URL", configured.database_url), ("ANHU_MQTT_URL", configured.mqtt_url)):
        if value is not None:
            env[name] = value.get_secret_value()
    folder = data_dir or default_data_dir(env)
    with surroundings(env, folder, progress, reuse=reuse, packages_dir=packages_dir) as around:
        yield around


@contextmanager
def database(data_dir: Path | None) -> Iterator[str]:
    """The address of the database, its schema brought up to date."""
    from anhu.commands.migrate import bring_up_to_date

    with services(data_dir) as around:
        url = around.env["ANHU_DATABASE_URL"]
        bring_up_to_date(url)
        yield url
