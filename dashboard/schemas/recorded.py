"""JSON that is handed on as it was recorded, often years ago or as a hash was taken of it: what stands in it, told to
whoever reads the OpenAPI document, and not checked or completed on its way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NotRequired

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from inspection.visit import Duty


@dataclass(frozen=True, slots=True)
class AsRecorded:
    """Annotates such a value with the `kind` it is of."""

    kind: Any

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """That of the kind: made apart, for the handler would say of the members that may be missing that they are
        always there, as they are in a Shape."""
        schema = TypeAdapter(self.kind).json_schema()
        named = schema.pop("$defs", {})
        whole: JsonSchemaValue = _spelled_out(schema, named)
        return whole


def _spelled_out(schema: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_spelled_out(each, named) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _spelled_out(named[schema["$ref"].rpartition("/")[2]], named)
    return {key: _spelled_out(value, named) for key, value in schema.items()}


class EvidenceMember(TypedDict):
    """One of the conditions that hold together."""

    device: str
    title_zh: str
    title_en: str


class Evidence(TypedDict, total=False):
    """Why an alert was raised. What is there depends on what judged, and figures of its own may stand beside; `unit` is
    that of `score` and `threshold`, `value` is what was read, in the quantity's own unit."""

    rule: str | None
    detector: str | None
    quantity: str | None
    value: float | None
    score: float | None
    threshold: float | None
    unit: str | None
    since: str | None
    clause: str | None
    clause_zh: str | None
    clause_verified: bool
    members: list[EvidenceMember]
    text_zh: str | None
    text_en: str | None


class DrillStage(TypedDict):
    """A stage of a drill; `passed` is null where there is no limit."""

    stage: str
    seconds: float | None
    limit_s: float | None
    passed: bool | None
    clause: NotRequired[str | None]


class DrillReport(TypedDict, total=False):
    """What was filed of a drill."""

    reason: str
    note: str
    ended_at: str
    stages: list[DrillStage]


class DrawCandidate(TypedDict):
    """An institution that may be drawn."""

    code: str
    name: str
    weight: int


class DrawInspector(TypedDict):
    """Somebody who may be drawn, by staff number ("P12")."""

    key: str
    duties: list[Duty]


class DrawRegister(TypedDict):
    """Who and what may be drawn: what register_sha256 is of. Conflicts are pairs of inspector and institution."""

    visits: int
    seats: list[Duty]
    candidates: list[DrawCandidate]
    inspectors: list[DrawInspector]
    conflicts: list[tuple[str, str]]


class DrawGrounds(TypedDict):
    """Why: the parts of each weight, what keeps whom from where (a relation, or "last_team"), who has no team."""

    weights: str
    parts: dict[str, dict[str, float]]
    conflicts: list[tuple[str, str, Literal["home", "family", "interest", "other", "last_team"]]]
    without_team: list[str]


class DrawnVisit(TypedDict):
    """An institution and who goes there."""

    institution: str
    team: list[tuple[str, Duty]]


class DrawResult(TypedDict):
    """What was drawn."""

    visits: list[DrawnVisit]


class PublicDraw(TypedDict):
    """The public record of a draw; the last six only once it is published."""

    format: str
    draw: str
    no: int
    title: str
    state: str
    planned_visits: int
    candidates_count: int
    inspectors_count: int
    announced_at: str
    register_sha256: str
    seed_sha256: str
    drawn_at: NotRequired[str]
    published_at: NotRequired[str]
    seed: NotRequired[str | None]
    word: NotRequired[str | None]
    register: NotRequired[DrawRegister]
    result: NotRequired[DrawResult]
