"""Floor plans (平面图): a picture of a floor made harmless, and where on it the zones and devices are.

A picture that somebody sends is never kept as it is. PNG, JPEG and WebP are decoded and encoded anew, so that nothing
but the pixels stays; an SVG is written anew from a list of harmless elements and attributes, and is served with a
policy under which it could run and load nothing (dashboard/routers/floor_plans.py).
"""

import io
import math
import re
import warnings
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image, ImageOps

from alerting.errors import FloorPlanRefused

PIXELS_MAX: Final = 25_000_000  # of what is sent: a scan of A3 at 300 dpi has 17 million
SIDE_PX_MAX: Final = 2_400  # of what is kept: enough to read a room's number on
FLOORS_MAX: Final = 60
MARKS_MAX: Final = 1_000
ELEMENTS_MAX: Final = 50_000
DEPTH_MAX: Final = 60
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_WEBP_QUALITY: Final = 85


class Picture(NamedTuple):
    """A floor plan as it is kept."""

    media_type: str
    image: bytes
    width_px: int
    height_px: int


class Mark(NamedTuple):
    """Where a zone or a device (one of the two) is: shares of the picture's width and height from its upper left."""

    zone_id: int | None
    device_id: int | None
    x: float
    y: float


class Place(NamedTuple):
    """A zone or device that can be marked, with the floor it is on."""

    id: int
    floor: int


def harmless(sent: bytes) -> Picture:
    """The picture in `sent`, made anew. Raises FloorPlanRefused for what is none, or too large."""
    beginning = sent[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return _vector(sent) if beginning.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype")) else _raster(sent)


def _raster(sent: bytes) -> Picture:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's warning of a decompression bomb
        try:
            with Image.open(io.BytesIO(sent), formats=_FORMATS) as opened:
                if opened.width * opened.height > PIXELS_MAX:  # known before anything is decoded
                    raise FloorPlanRefused(f"at most {PIXELS_MAX // 1_000_000} million pixels")
                opened.draft("RGB", (SIDE_PX_MAX, SIDE_PX_MAX))
                # a drawing of few colours would otherwise be made smaller by leaving lines out
                loaded = opened if opened.mode in ("L", "RGB", "RGBA") else opened.convert("RGBA")
                loaded.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX), Image.Resampling.LANCZOS)
                turned = ImageOps.exif_transpose(loaded).convert("RGBA")
                # White under what is transparent, and a canvas of its own: no metadata comes along.
                canvas = Image.new("RGB", turned.size, "white")
                canvas.paste(turned, mask=turned.getchannel("A"))
        except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
            raise FloorPlanRefused("this is no whole PNG, JPEG or WebP picture, and no SVG") from error
    out = io.BytesIO()
    canvas.save(out, "WEBP", quality=_WEBP_QUALITY, method=4)
    return Picture("image/webp", out.getvalue(), canvas.width, canvas.height)


# --- SVG ----------------------------------------------------------------------------------------------

_SVG: Final = "{http://www.w3.org/2000/svg}"
_ELEMENTS: Final = frozenset({
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc",
    "defs", "linearGradient", "radialGradient", "stop",
})  # fmt: skip
# What drawing programs add and what changes nothing in the drawing is left out in silence.
_LEFT_OUT: Final = frozenset({"metadata", "script"})
_ATTRIBUTES: Final = frozenset({
    "id", "class", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width",
    "height", "d", "points", "transform", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width",
    "stroke-opacity", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray",
    "stroke-dashoffset", "opacity", "color", "display", "visibility", "vector-effect", "font-family", "font-size",
    "font-style", "font-weight", "text-anchor", "dominant-baseline", "letter-spacing", "textLength", "rotate",
    "offset", "stop-color", "stop-opacity", "gradientUnits", "gradientTransform", "spreadMethod",
})  # fmt: skip
_STYLES: Final = _ATTRIBUTES - {"id", "class", "d", "points", "x", "y", "width", "height", "transform"}
_LOCAL_REFERENCE: Final = re.compile(r"url\(#[\w.-]+\)")
_SUSPECT: Final = re.compile(r"url|[\\<>@{}]|expression|javascript|data:|/\*", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)(?:px|pt|mm|cm|in)?\s*")


def _vector(sent: bytes) -> Picture:
    try:
        root = fromstring(sent, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise FloorPlanRefused("this SVG cannot be read, or declares entities") from error
    if root.tag != f"{_SVG}svg":
        raise FloorPlanRefused("this is no SVG drawing")
    if sum(1 for _ in root.iter()) > ELEMENTS_MAX:
        raise FloorPlanRefused(f"at most {ELEMENTS_MAX} elements")
    left, top, width, height = _view_box(root)
    clean = _clean(root, 0)
    for size in ("width", "height"):
        clean.attrib.pop(size, None)
    clean.set("xmlns", _SVG[1:-1])
    clean.set("viewBox", f"{left:g} {top:g} {width:g} {height:g}")
    scale = SIDE_PX_MAX / max(width, height)
    width_px, height_px = max(1, round(width * scale)), max(1, round(height * scale))
    clean.set("width", str(width_px))
    clean.set("height", str(height_px))
    return Picture("image/svg+xml", tostring(clean, encoding="utf-8", xml_declaration=True), width_px, height_px)


def _view_box(root: Element) -> tuple[float, float, float, float]:
    """Left, top, width and height of the drawing. Raises FloorPlanRefused where neither a viewBox nor a size says."""
    written = root.get("viewBox")
    if written is not None:
        try:
            numbers = [float(part) for part in written.replace(",", " ").split()]
        except ValueError:
            numbers = []
    else:
        sizes = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
        numbers = [0.0, 0.0, *(float(size[1]) for size in sizes if size)]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)) or min(numbers[2:]) <= 0 or max(numbers[2:]) > 1e6:
        raise FloorPlanRefused("the drawing does not say how large it is")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _clean(element: Element, depth: int) -> Element:
    """The same with nothing in it but what is known to be harmless. Raises FloorPlanRefused for what the drawing would
    look different without."""
    if depth > DEPTH_MAX:
        raise FloorPlanRefused(f"at most {DEPTH_MAX} levels of groups")
    name = element.tag.removeprefix(_SVG)
    made = Element(name, dict(_harmless_attributes(element)))
    made.text, made.tail = element.text, element.tail
    for child in element:
        # comments and instructions have no name; elements of other namespaces are the drawing programs' own notes
        inner = str(child.tag).removeprefix(_SVG)
        if inner == child.tag:
            continue
        if inner in _LEFT_OUT:
            continue
        if inner not in _ELEMENTS:
            raise FloorPlanRefused(f"<{inner[:40]}> cannot be in a floor plan; save the drawing as PNG instead")
        made.append(_clean(child, depth + 1))
    return made


def _harmless_attributes(element: Element) -> Iterable[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name == "style":
            kept = [each for each in _declarations(value) if each]
            if kept:
                yield name, ";".join(kept)
        elif name in _ATTRIBUTES and not _SUSPECT.search(_LOCAL_REFERENCE.sub("", value)):
            yield name, value


def _declarations(style: str) -> Iterable[str]:
    for each in style.split(";"):
        name, _, value = (part.strip() for part in each.partition(":"))
        if name in _STYLES and not _SUSPECT.search(_LOCAL_REFERENCE.sub("", value)):
            yield f"{name}:{value}"


# --- marks --------------------------------------------------------------------------------------------


def marks_problems(
    marks: Sequence[Mark], floor: int, zones: Collection[Place], devices: Collection[Place]
) -> list[str]:
    """What is wrong with the marks on the plan of `floor`, at an institution with these zones and devices."""
    problems: list[str] = []
    for what, places, ids in (
        ("zone", zones, [mark.zone_id for mark in marks if mark.zone_id is not None]),
        ("device", devices, [mark.device_id for mark in marks if mark.device_id is not None]),
    ):
        here = {place.id for place in places if place.floor == floor}
        problems += [f"{what} {each} is not on floor {floor} of this institution" for each in ids if each not in here]
        problems += [f"{what} {each} is marked twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    problems += [
        f"mark {number} must be of one zone or one device, and lie on the picture"
        for number, mark in enumerate(marks, start=1)
        if (mark.zone_id is None) == (mark.device_id is None) or not (0 <= mark.x <= 1 and 0 <= mark.y <= 1)
    ]
    return problems


def mark_of(marks: Iterable[Mark], zone_id: int | None, device_id: int | None) -> Mark | None:
    """Where an alert is: at its device's mark, else at its zone's."""
    known = list(marks)
    of_device = (mark for mark in known if device_id is not None and mark.device_id == device_id)
    of_zone = (mark for mark in known if zone_id is not None and mark.zone_id == zone_id)
    return next(of_device, None) or next(of_zone, None)
