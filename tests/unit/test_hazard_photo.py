"""Evidence photos: drawn anew within bounds, and nothing of the camera's in them."""

import io

import pytest
from PIL import Image

from inspection.errors import PhotoRefused
from inspection.photo import JPEG_BYTES_MAX, SIDE_PIXELS_MAX, UPLOAD_BYTES_MAX, redraw


def picture(size: tuple[int, int] = (60, 40), form: str = "JPEG", mode: str = "RGB", **more) -> bytes:
    image = Image.new(mode, size, (200, 30, 30, 0) if mode == "RGBA" else (200, 30, 30))
    written = io.BytesIO()
    image.save(written, form, **more)
    return written.getvalue()


def test_what_the_camera_wrote_is_gone_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)  # where it was taken
    raw = picture(exif=exif, comment=b"SECRET-COMMENT")
    assert b"SECRET-CAMERA" in raw
    kept = redraw(raw)
    assert b"SECRET" not in kept.jpeg
    with Image.open(io.BytesIO(kept.jpeg)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (40, 60), {})
    assert (kept.width, kept.height) == (40, 60)


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB")])
def test_other_forms_become_jpeg(form, mode):
    kept = redraw(picture(form=form, mode=mode))
    with Image.open(io.BytesIO(kept.jpeg)) as image:
        assert image.format == "JPEG"
        shown = image.convert("RGB").getpixel((5, 5))
        assert (min(shown) > 240) == (mode == "RGBA")  # what is transparent is white


def test_a_large_picture_is_made_smaller():
    kept = redraw(picture((4000, 3000)))
    assert (kept.width, kept.height) == (SIDE_PIXELS_MAX, SIDE_PIXELS_MAX * 3 // 4)
    assert len(kept.jpeg) <= JPEG_BYTES_MAX


def test_even_noise_fits():
    noise = Image.effect_noise((2400, 2400), 200).convert("RGB")
    written = io.BytesIO()
    noise.save(written, "JPEG", quality=90)
    assert len(redraw(written.getvalue()).jpeg) <= JPEG_BYTES_MAX


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no picture"),
        (b"<svg onload=alert(1)>", "no picture"),
        (picture(form="GIF"), "no picture"),
        (picture((600, 400))[:700], "cannot be read"),
        (b"\xff" * (UPLOAD_BYTES_MAX + 1), "at most 8 MiB"),
        (picture((10_000, 6_000), "PNG"), "pixels"),
    ],
)
def test_what_is_no_picture_or_too_much_is_refused(data, told):
    with pytest.raises(PhotoRefused, match=told):
        redraw(data)
