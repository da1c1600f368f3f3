"""PostgreSQL's binary COPY, read back by a reader written from the manual."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.copy_format import copy_rows, distinct, rows_read
from ingest.reading import ReadingBatch

EPOCH_US = 946_684_800_000_000
DELAY_MS_MAX = 2**31 - 1
rows = st.tuples(
    st.integers(-(2**31), 2**31 - 1), st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60),
    st.floats(width=32, allow_nan=False), st.integers(0, 2**15 - 1),
)  # fmt: skip


def batch(each: list[tuple[int, int, int, float, int]]) -> ReadingBatch:
    columns = zip(*each, strict=True) if each else ((), (), (), (), ())
    return ReadingBatch.build(*columns)


def read(body: bytes) -> list[tuple[int, int, float, int, int | None]]:
    """(measured at, point, value, delay, quality) of each row."""
    head = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    assert body.startswith(head)
    place, found = len(head), []
    while (count := struct.unpack_from(">h", body, place)[0]) != -1:
        assert count == 5
        place += 2
        fields: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", body, place)
            place += 4
            fields.append(None if length < 0 else body[place : place + length])
            place += max(length, 0)
        at, point, value, delay, quality = fields
        assert None not in (at, point, value, delay)
        found.append((
            struct.unpack(">q", at or b"")[0] + EPOCH_US, struct.unpack(">i", point or b"")[0],
            struct.unpack(">f", value or b"")[0], struct.unpack(">i", delay or b"")[0],
            struct.unpack(">h", quality)[0] if quality is not None else None,
        ))  # fmt: skip
    assert place + 2 == len(body)
    return found


def test_no_rows() -> None:
    assert read(copy_rows(batch([]))) == []


@given(st.lists(rows, max_size=20))
def test_every_row_is_there_bit_for_bit(each: list[tuple[int, int, int, float, int]]) -> None:
    def delay_ms(us: int) -> int:
        return max(-DELAY_MS_MAX, min(DELAY_MS_MAX, us // 1000))

    expected = [
        (at, point, np.float32(value).tobytes(), delay_ms(received - at), quality or None)
        for point, at, received, value, quality in each
    ]
    found = [(at, point, np.float32(value).tobytes(), delay, quality)
             for at, point, value, delay, quality in read(copy_rows(batch(each)))]  # fmt: skip
    key = repr
    assert sorted(found, key=key) == sorted(expected, key=key)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.floats(0, 1, width=32)), max_size=20))
def test_of_each_point_and_time_the_first_row_stays_in_place(each: list[tuple[int, int, float]]) -> None:
    sent = batch([(point, at, at, value, 0) for point, at, value in each])
    kept = distinct(sent)
    first: dict[tuple[int, int], float] = {}
    for point, at, value in each:
        first.setdefault((point, at), value)
    found = list(zip(kept.point_id.tolist(), kept.measured_at_us.tolist(), kept.value.tolist(), strict=True))
    assert found == [(*key, value) for key, value in first.items()]
    if len(first) == len(each):
        assert kept is sent


@given(st.lists(rows, max_size=30))
def test_what_was_written_is_read_by_time_and_point(sent: list[tuple[int, int, int, float, int]]) -> None:
    doubtful = batch([(*each[:4], each[4] or 1) for each in sent])
    found = rows_read(copy_rows(doubtful))
    expected = sorted(read(copy_rows(doubtful)), key=lambda row: row[:2])
    told = [
        (int(at), int(point), float(value), (int(received) - int(at)) // 1000, int(quality))
        for at, point, value, received, quality in zip(
            found.measured_at_us, found.point_id, found.value, found.received_at_us, found.quality, strict=True
        )
    ]
    assert [row[:2] for row in told] == [row[:2] for row in expected]
    assert sorted(told) == sorted(expected)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"PGCOPY", copy_rows(batch([(1, 2, 3, 4.0, 1)]))[:-3], copy_rows(batch([(1, 2, 3, 4.0, 0)])),
        b"X" + copy_rows(batch([(1, 2, 3, 4.0, 1)]))[1:],
    ],
)  # fmt: skip
def test_what_is_not_in_that_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="the database"):
        rows_read(body)
