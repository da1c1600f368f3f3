"""A picture that somebody sends comes back as pixels or harmless shapes, or not at all."""

import io
import struct
import zlib

import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image

from alerting import floor_plan
from alerting.errors import FloorPlanRefused
from alerting.floor_plan import Mark, Place, harmless, mark_of, marks_problems


def encoded(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def drawing(inside: str, attributes: str = 'viewBox="0 0 400 300"', before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_encoded_anew_without_what_it_carried(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where we live"
    made = harmless(encoded(Image.new("RGB", (300, 200), "red"), kind, exif=exif))
    assert (made.media_type, made.width_px, made.height_px) == ("image/webp", 300, 200)
    assert b"where we live" not in made.image
    with Image.open(io.BytesIO(made.image)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (300, 200))
        red, green, blue = shown.convert("RGB").getpixel((150, 100))
        assert (red > 240, green < 20, blue < 20) == (True, True, True)


def test_a_large_one_is_made_smaller_a_turned_one_upright_a_clear_one_white() -> None:
    assert harmless(encoded(Image.new("1", (4800, 1200), 1), "PNG"))[2:] == (2400, 600)
    turned = Image.Exif()
    turned[0x0112] = 6
    assert harmless(encoded(Image.new("RGB", (300, 200)), "JPEG", exif=turned))[2:] == (200, 300)
    with Image.open(io.BytesIO(harmless(encoded(Image.new("RGBA", (9, 9)), "PNG")).image)) as shown:
        assert shown.convert("RGB").getpixel((4, 4)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with next to nothing behind it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GIF89a" + bytes(50),
        b"%PDF-1.7",
        b"<html><script>alert(1)</script></html>",
        encoded(Image.new("RGB", (300, 200)), "PNG")[:200],
        encoded(Image.new("RGB", (300, 200)), "BMP"),
        bomb(6_000, 5_000),
        bomb(60_000, 60_000),
        bomb(300, 200),
    ],
)
def test_what_is_no_whole_picture_or_too_large_is_refused(sent: bytes) -> None:
    with pytest.raises(FloorPlanRefused):
        harmless(sent)


def test_a_drawing_keeps_its_shapes_and_nothing_that_acts_or_loads() -> None:
    made = harmless(
        drawing(
            '<script>alert(1)</script><metadata><x:secret xmlns:x="urn:x">where</x:secret></metadata>'
            '<g id="a" onclick="alert(1)" transform="translate(3 4)" style="fill:red;background:url(http://x/y)">'
            '<path d="M0 0h9" stroke="black" fill="url(http://evil/p)"/>'
            '<text x="1" y="2" href="javascript:alert(1)">一层</text></g>'
            '<rect width="9" height="9" fill="url(#g)"/>',
            before='<?xml version="1.0"?><!-- c --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x">',
        )
    )
    assert (made.media_type, made.width_px, made.height_px) == ("image/svg+xml", 2400, 1800)
    text = made.image.decode()
    for bad in ("script", "alert", "secret", "onclick", "http://evil", "http://x", "javascript", "href", "DOCTYPE"):
        assert bad not in text, bad
    root = fromstring(text)
    names = [each.tag.rpartition("}")[2] for each in root.iter()]
    assert names == ["svg", "g", "path", "text", "rect"]
    assert root.find(".//{*}path").attrib == {"d": "M0 0h9", "stroke": "black"}  # type: ignore[union-attr]
    assert root.find(".//{*}g").get("style") == "fill:red"  # type: ignore[union-attr]
    assert root.find(".//{*}rect").get("fill") == "url(#g)"  # type: ignore[union-attr]
    assert harmless(made.image) == made  # once harmless it stays as it is


@pytest.mark.parametrize(
    "sent",
    [
        drawing("<foreignObject><p/></foreignObject>"),
        drawing('<image href="http://x/y.png"/>'),
        drawing('<use href="#a"/>'),
        drawing("<style>@import url(http://x)</style>"),
        drawing("<path/>", attributes=""),
        drawing("<path/>", attributes='viewBox="0 0 0 nan"'),
        drawing("<g>" * 70 + "</g>" * 70),
        drawing("<path", before=""),
        drawing("&e;", before='<!DOCTYPE svg [<!ENTITY e "ha"><!ENTITY f "&e;&e;&e;">]>'),
        drawing("&e;", before='<!DOCTYPE svg [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        b'<svg viewBox="0 0 4 3"><path/></svg>',
    ],
)
def test_a_drawing_that_would_load_act_or_look_different_is_refused(sent: bytes) -> None:
    with pytest.raises(FloorPlanRefused):
        harmless(sent)


def test_no_more_elements_than_a_browser_can_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor_plan, "ELEMENTS_MAX", 10)
    assert harmless(drawing("<path/>" * 9)).width_px == 2400
    with pytest.raises(FloorPlanRefused, match="elements"):
        harmless(drawing("<path/>" * 10))


def test_marks_are_of_this_floors_things_once_each_and_on_the_picture() -> None:
    zones, devices = [Place(1, 1), Place(2, 2)], [Place(7, 1)]
    good = [Mark(1, None, 0.5, 0.5), Mark(None, 7, 0, 1)]
    assert marks_problems(good, 1, zones, devices) == []
    for bad in (Mark(2, None, 0, 0), Mark(9, None, 0, 0), Mark(1, 7, 0, 0), Mark(None, None, 0, 0),
                Mark(1, None, 1.2, 0), Mark(1, None, float("nan"), 0)):  # fmt: skip
        assert marks_problems([bad], 1, zones, devices), bad
    assert "zone 1 is marked twice" in marks_problems([good[0], good[0]], 1, zones, devices)


def test_an_alert_is_at_its_device_else_at_its_zone() -> None:
    zone, device = Mark(1, None, 0.1, 0.1), Mark(None, 7, 0.2, 0.2)
    assert mark_of([zone, device], 1, 7) is device
    assert mark_of([zone, device], 1, 8) is zone
    assert mark_of([zone, device], 1, None) is zone
    assert mark_of([zone, device], 2, 8) is None
