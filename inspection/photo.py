"""Evidence photos: what was uploaded is drawn anew, smaller and without what the camera wrote into it.

A picture is decoded within bounds and encoded again as JPEG, so that neither a place nor a name travels in its EXIF
data, and nothing but pixels is ever served again.
"""

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from inspection.errors import PhotoRefused

UPLOAD_BYTES_MAX: Final = 8 * 1024 * 1024
PIXELS_MAX: Final = 50_000_000
SIDE_PIXELS_MAX: Final = 1600
JPEG_BYTES_MAX: Final = 1024 * 1024
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITIES: Final = (85, 75, 60, 40)
_one_at_a_time = threading.Lock()  # a decoded picture takes up to 200 MB


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as it is kept."""

    jpeg: bytes
    width: int
    height: int

    @property
    def sha256(self) -> bytes:
        """Of the JPEG file."""
        return hashlib.sha256(self.jpeg).digest()


def redraw(data: bytes) -> Photo:
    """The picture in `data` (JPEG, PNG or WebP), upright, at most SIDE_PIXELS_MAX a side, as a JPEG of at most
    JPEG_BYTES_MAX bytes. Raises PhotoRefused."""
    if len(data) > UPLOAD_BYTES_MAX:
        raise PhotoRefused(f"a photo has at most {UPLOAD_BYTES_MAX // 2**20} MiB")
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > PIXELS_MAX:
                    raise PhotoRefused(f"a photo has at most {PIXELS_MAX:,} pixels")
                image.draft("RGB", (SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))  # a JPEG is read at a fraction of its size
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))
                return _encode(_on_white(upright))
        except UnidentifiedImageError as error:
            raise PhotoRefused("this is no picture: JPEG, PNG and WebP are") from error
        except (
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as error:
            raise PhotoRefused(f"this picture cannot be read: {error}") from error


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, which JPEG does not have."""
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    seen = image.convert("RGBA")
    ground = Image.new("RGBA", seen.size, "white")
    ground.alpha_composite(seen)
    return ground.convert("RGB")


def _encode(image: Image.Image) -> Photo:
    bare = Image.new("RGB", image.size)
    bare.paste(image)  # a picture made here carries no EXIF, comment or colour profile along
    for quality in _QUALITIES:
        written = io.BytesIO()
        bare.save(written, "JPEG", quality=quality, optimize=True)
        if written.tell() <= JPEG_BYTES_MAX:
            return Photo(written.getvalue(), bare.width, bare.height)
    raise PhotoRefused(f"this picture does not fit into {JPEG_BYTES_MAX // 2**20} MiB")
