"""Floor plans for the demo: simulated institutions have no drawings, so one is drawn from the list of their zones."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from alerting import floor_plan, floor_plan_store
from alerting.floor_plan import Mark
from ingest import directory
from ingest.database import Connection
from ingest.registry import Zone

ACTOR: Final = "anhu: demo"
_ROOM: Final = (180, 130)
_CORRIDOR: Final = 70
_EDGE: Final = 30


def draw_plans(connection: Connection, institution_id: int) -> None:
    """A plan for each floor that has none, with its zones marked; in the caller's transaction."""
    zones = directory.zones_of(connection, institution_id)
    known = {plan.floor for plan in floor_plan_store.plans(connection, institution_id)}
    for floor in sorted({zone.floor for zone in zones} - known):
        drawing, marks = drawn([zone for zone in zones if zone.floor == floor])
        picture = floor_plan.harmless(drawing.encode())
        floor_plan_store.save_picture(connection, institution_id, floor, picture, seen=0, actor=ACTOR)
        floor_plan_store.save_marks(connection, institution_id, floor, marks, seen=1, actor=ACTOR)


def drawn(zones: Sequence[Zone]) -> tuple[str, list[Mark]]:
    """The floor as an SVG, its rooms on both sides of a corridor, and where each zone is."""
    rooms = [zone for zone in zones if zone.kind != "corridor"]
    columns = max(1, -(-len(rooms) // 2))
    width, height = _EDGE * 2 + columns * _ROOM[0], _EDGE * 2 + _ROOM[1] * 2 + _CORRIDOR
    shapes, marks = [], []
    for number, zone in enumerate(rooms):
        left = _EDGE + number % columns * _ROOM[0]
        top = _EDGE + (0 if number < columns else _ROOM[1] + _CORRIDOR)
        shapes.append(_room(left, top, *_ROOM, zone.name))
        marks.append(Mark(zone.id, None, (left + _ROOM[0] / 2) / width, (top + _ROOM[1] / 2) / height))
    corridors = [zone for zone in zones if zone.kind == "corridor"]
    top, whole = _EDGE + _ROOM[1], width - _EDGE * 2
    for number, zone in enumerate(corridors):
        part = whole / len(corridors)
        shapes.append(_room(_EDGE + number * part, top, part, _CORRIDOR, zone.name))
        share = (_EDGE + (number + 0.5) * part) / width
        marks.append(Mark(zone.id, None, share, (top + _CORRIDOR / 2) / height))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(shapes)}'
        f'<text x="{width - _EDGE}" y="{height - 9}" text-anchor="end" font-size="13" fill="#777777">演示平面图</text>'
        "</svg>"
    )
    return svg, marks


def _room(left: float, top: float, width: float, height: float, name: str) -> str:
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" fill="#fbfcfb" stroke="#4a5753"'
        f' stroke-width="3"/><text x="{left + 10:g}" y="{top + 24:g}" font-size="18" fill="#33413c">{escape(name)}'
        "</text>"
    )
