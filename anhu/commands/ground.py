"""What the commands stand on: the servers and the database they work with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from anhu.data_folder import default_data_dir
from anhu.embedded import Surroundings, surroundings
from anhu.plain_errors import console
from ingest.settings import Connections

DataDir = Annotated[
    Path | None,
    typer.Option(envvar="ANHU_DATA_DIR", show_envvar=True, help="数据目录 / the data folder.", show_default=False),
]


def progress(line: str) -> None:
    """Tell the operator what is going on."""
    console.print(line, markup=False)


@contextmanager
def services(
    data_dir: Path | None, *, reuse: bool = True, packages_dir: Path | None = None, database_may_be_late: bool = False
) -> Iterator[Surroundings]:
    """The configured servers, or the embedded ones; with `reuse`, those of a service that runs already."""
    configured = Connections()
    env = dict(os.environ)
    for name, value in (("ANHU_DATABASE_URL", configured.database_url), ("ANHU_MQTT_URL", configured.mqtt_url)):
        if value is not None:
            env[name] = value.get_secret_value()
    folder = data_dir or default_data_dir(env)
    started = surroundings(
        env, folder, progress, reuse=reuse, packages_dir=packages_dir, database_may_be_late=database_may_be_late
    )
    with started as around:
        yield around


@contextmanager
def database(data_dir: Path | None) -> Iterator[str]:
    """The address of the database, its schema brought up to date."""
    from anhu.commands.migrate import bring_up_to_date

    with services(data_dir) as around:
        url = around.env["ANHU_DATABASE_URL"]
        bring_up_to_date(url)
        yield url
