"""What all shapes share. Times are UTC, written with Z."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with Z, to the millisecond.

    >>> iso(datetime(2026, 11, 22, 1, 2, 3, 456789, UTC))
    '2026-11-22T01:02:03.456Z'
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def storable(text: str) -> str:
    """`text`, if the database can keep it. Raises ValueError."""
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
Text = Annotated[str, AfterValidator(storable)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Language = Literal["zh", "en"]


class Shape(BaseModel):
    """What all shapes have in common: they can be made from records."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Problem(Shape):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
