"""`anhu commitment …`: the text that the heads of institutions sign."""

import typer

from anhu.commands.versioned_file import VersionedFile, add_commands
from ingest.database import Connection
from inspection import commitment, commitment_store
from inspection.commitment import CommitmentText
from inspection.errors import CommitmentTextInvalid

app = typer.Typer(no_args_is_help=True, help="安全承诺书的文本。 The text of the safety commitment.")


def _in_force(connection: Connection) -> str | None:
    found = commitment_store.load_text(connection)
    return found[1] if found else None


def _put_in_force(connection: Connection, made: CommitmentText, body: str, by: str) -> bool:
    return commitment_store.save_text(connection, made, body, f"cli:{by}")


add_commands(
    app,
    VersionedFile(
        command="commitment",
        noun=("安全承诺书文本", "text of the safety commitment"),
        invalid=CommitmentTextInvalid,
        default=commitment.default_text,
        parse=commitment.parse,
        version=lambda made: made.version,
        count=lambda made: (f"{len(made.clauses)} 条承诺", f"{len(made.clauses)} promises"),
        without_clause=lambda _: (),
        in_force=_in_force,
        put_in_force=_put_in_force,
    ),
)
