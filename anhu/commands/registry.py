"""`anhu registry …`: who may report."""

from pathlib import Path

import typer

from anhu.commands.ground import DataDir, database, progress
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest import store
from ingest.database import connect
from ingest.registry_file import Draft, parse

app = typer.Typer(
    no_args_is_help=True, help="机构、区域和设备的登记。 The registry of institutions, zones and devices."
)

FILE_BYTES_MAX = 64 * 1024 * 1024


class FileUnreadable(AnhuError):
    """The file cannot be read."""


def read(path: Path) -> Draft:
    """The registry file at `path`. Raises FileUnreadable, RegistryFileInvalid."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileUnreadable(text(f"{path} 过大", f"{path} is too large"))
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"{path}: {error}") from error
    return parse(content, suffix=path.suffix.lower())


@app.command(
    "import",
    help="导入登记文件（CSV 或 TOML）；有一处错误就全部不导入。 "
    "Import a registry file (CSV or TOML); with one error nothing is imported.",
    epilog="例 / for example: anhu registry import devices.csv",
)
def import_file(file: Path, data_dir: DataDir = None) -> None:
    """Import `file`, or say every error in it with its line."""
    with plain_errors():
        draft = read(file)
        with database(data_dir) as url, connect(url) as connection:
            store.import_registry(connection, draft)
        progress(
            text(
                f"已导入 {len(draft.institutions)} 个机构、{draft.device_count} 台设备",
                f"imported {len(draft.institutions)} institutions with {draft.device_count} devices",
            )
        )


@app.command(
    help="只检查登记文件，不导入。 Check a registry file without importing it.",
    epilog="例 / for example: anhu registry check devices.toml",
)
def check(file: Path) -> None:
    """Say every error in `file` with its line."""
    with plain_errors():
        draft = read(file)
        progress(text(f"没有错误：{draft.device_count} 台设备", f"no errors: {draft.device_count} devices"))


@app.command(
    "columns",
    help="打印 CSV 的列名，可作表头。 Print the columns of a CSV file, to begin one with.",
    epilog="例 / for example: anhu registry columns > devices.csv",
)
def columns() -> None:
    """Print the header line."""
    from ingest.registry_file import CSV_COLUMNS

    typer.echo(",".join(CSV_COLUMNS))
