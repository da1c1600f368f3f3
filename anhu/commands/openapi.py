"""`anhu openapi`: what the HTTP API takes and answers, for those who write a client of it."""

import json
from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[
        Path | None,
        typer.Option(
            help="写到哪个文件；内容未变时不改写 / the file; left as it is where nothing has changed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the document, or write it; it needs neither a database nor a running service."""
    from dashboard.app import described

    text = json.dumps(described(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    elif not out.is_file() or out.read_text("utf-8") != text:
        out.write_text(text, "utf-8")
