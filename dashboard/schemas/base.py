"""What all shapes share. Times are UTC, written with Z."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from ingest.registry import DEVICE_KINDS, INSTITUTION_KINDS, ZONE_KINDS


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with Z, to the millisecond.

    >>> iso(datetime(2026, 11, 22, 1, 2, 3, 456789, UTC))
    '2026-11-22T01:02:03.456Z'
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
Text = Annotated[str, AfterValidator(_storable)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Language = Literal["zh", "en"]


def _one_of(values: Sequence[str]) -> WithJsonSchema:
    # Told, not checked: what the registry holds it has checked itself.
    return WithJsonSchema({"type": "string", "enum": [*values]})


InstitutionKind = Annotated[str, _one_of(INSTITUTION_KINDS)]
ZoneKind = Annotated[str, _one_of(ZONE_KINDS)]
DeviceKind = Annotated[str, _one_of(DEVICE_KINDS)]


class Shape(BaseModel):
    """What all shapes have in common: they can be made from records."""

    model_config = ConfigDict(
        from_attributes=True,
        frozen=True,
        json_schema_serialization_defaults_required=True,  # an answer has all its members
    )


class NamedChecklist(Shape):
    """A checklist that does not suit."""

    id: str
    zh: str
    en: str


class Problem(BaseModel):
    """RFC 9457. The last three only of the problems they say more about: the longest that was possible in seconds,
    why words cannot stand on a public page, the checklists that do not suit."""

    type: str
    title: str
    status: int
    detail: str
    limit_s: int | None = None
    why: str | None = None
    checklists: list[NamedChecklist] | None = None
