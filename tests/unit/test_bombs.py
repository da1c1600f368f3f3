"""Files made to be larger when they are opened, or to be something else: refused, before memory grows."""

import io
import subprocess
import sys

from PIL import Image

from inspection.photo import redraw
from tests.bombs import TAKERS, picture

MORE_MIB_MAX = 160  # a good photo of the largest size takes up to 200


def test_every_bomb_is_refused_and_takes_little() -> None:
    # A process of its own: this one's memory says nothing of a single call.
    done = subprocess.run([sys.executable, "-m", "tests.bombs"], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {row[0] for row in rows} == set(TAKERS)
    assert len(rows) > 60
    for taker, what, became, more_mib in rows:
        assert became != "taken", (taker, what)
        assert int(more_mib) <= MORE_MIB_MAX, (taker, what, more_mib)


def test_what_hangs_behind_a_picture_is_not_kept() -> None:
    behind = b"<script>alert(1)</script>PK\x03\x04"
    for kind in ("JPEG", "PNG", "WEBP"):
        kept = redraw(picture(kind, comment=behind) + behind).jpeg
        assert b"script" not in kept
        assert b"PK\x03\x04" not in kept


def test_of_many_pictures_in_one_the_first_is_kept() -> None:
    later = [Image.new("RGB", (32, 24), "blue")] * 200
    for kind in ("PNG", "WEBP"):
        moving = picture(kind, save_all=True, append_images=later, duration=10)
        with Image.open(io.BytesIO(redraw(moving).jpeg)) as kept:
            red, _, blue = kept.convert("RGB").getpixel((9, 9))
        assert red > 200 > 50 > blue, kind
