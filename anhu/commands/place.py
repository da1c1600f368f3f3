"""An institution or a region, as it is named on the command line."""

from typing import Annotated

import typer

from alerting.people import Scope
from anhu.errors import PlaceUnknown
from anhu.language import text
from ingest.database import Connection

Institution = Annotated[
    str | None, typer.Option("--institution", help="机构编码 / the institution's code.", show_default=False)
]
Region = Annotated[
    str, typer.Option("--region", help="行政区划代码前缀 / the prefix of a region code.", show_default=False)
]


def scope_of(connection: Connection, institution: str | None, region: str) -> Scope:
    """The scope that is meant; neither means everywhere. Raises PlaceUnknown."""
    institution_id = None
    if institution is not None:
        row = connection.execute("SELECT id FROM institutions WHERE code = %s", (institution,)).fetchone()
        if row is None:
            raise PlaceUnknown(text(f"没有机构 {institution}", f"no institution {institution}"))
        institution_id = int(row[0])
    try:
        return Scope(institution_id, region)
    except ValueError as error:
        raise PlaceUnknown(str(error)) from error


def name_of(connection: Connection, scope: Scope) -> str:
    """The same for people to read: an institution's code, a region, or that it is everywhere."""
    if scope.institution_id is None:
        return scope.region or text("全部", "everywhere")
    row = connection.execute("SELECT code FROM institutions WHERE id = %s", (scope.institution_id,)).fetchone()
    return str(row[0]) if row else str(scope.institution_id)
