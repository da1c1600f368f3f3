"""PostgreSQL's binary COPY format, built for a whole batch at once from its numpy columns, and read into them.

The layout is the one of the PostgreSQL manual, COPY, "Binary Format".
"""

from typing import Final

import numpy as np

from ingest.reading import GOOD, Int64, ReadingBatch

_DELAY_MS_MAX: Final = 2**31 - 1
_POSTGRES_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01, where PostgreSQL counts microseconds from

COPY_COLUMNS: Final = "(measured_at, point_id, value, delay_ms, quality)"
_COPY_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_COPY_HEADER: Final = _COPY_SIGNATURE + bytes(8)
_COPY_TRAILER: Final = b"\xff\xff"
# One row of binary COPY: the number of fields, then for each its length and its bytes, all big-endian.
_ROW_GOOD: Final = np.dtype([
    ("fields", ">i2"), ("at_length", ">i4"), ("at", ">i8"), ("point_length", ">i4"), ("point", ">i4"),
    ("value_length", ">i4"), ("value", ">f4"), ("delay_length", ">i4"), ("delay", ">i4"), ("quality_length", ">i4"),
])  # fmt: skip
_ROW_DOUBTFUL: Final = np.dtype([*_ROW_GOOD.descr, ("quality", ">i2")])


def copy_rows(batch: ReadingBatch) -> bytes:
    """The batch as the body of a binary COPY, header and trailer included."""
    good = batch.quality == GOOD
    parts = [_COPY_HEADER]
    for index, layout in ((good, _ROW_GOOD), (~good, _ROW_DOUBTFUL)):
        chosen = batch.take(index)
        rows = np.empty(len(chosen), layout)
        rows["fields"] = 5
        rows["at_length"], rows["at"] = 8, chosen.measured_at_us - _POSTGRES_EPOCH_US
        rows["point_length"], rows["point"] = 4, chosen.point_id
        rows["value_length"], rows["value"] = 4, chosen.value
        rows["delay_length"], rows["delay"] = 4, _delay_ms(chosen)
        if layout is _ROW_GOOD:
            rows["quality_length"] = -1  # NULL
        else:
            rows["quality_length"], rows["quality"] = 2, chosen.quality
        parts.append(rows.tobytes())
    parts.append(_COPY_TRAILER)
    return b"".join(parts)


def rows_read(body: bytes | bytearray) -> ReadingBatch:
    """The batch, by time and point, that a binary COPY of COPY_COLUMNS gave, none of them NULL. Raises ValueError for
    what is none."""
    rows = memoryview(body)[len(_COPY_HEADER) : -len(_COPY_TRAILER)]
    if not body.startswith(_COPY_SIGNATURE) or not body.endswith(_COPY_TRAILER) or len(rows) % _ROW_DOUBTFUL.itemsize:
        raise ValueError("the database did not answer in the form that was asked for")
    found = np.frombuffer(rows, _ROW_DOUBTFUL)
    if (found["quality_length"] != 2).any():
        raise ValueError("the database gave readings without a quality")
    found = found[np.lexsort((found["point"], found["at"]))]
    measured = found["at"].astype(np.int64) + _POSTGRES_EPOCH_US
    return ReadingBatch(
        found["point"].astype(np.int32), measured, measured + found["delay"].astype(np.int64) * 1000,
        found["value"].astype(np.float32), found["quality"].astype(np.int16),
    )  # fmt: skip


def _delay_ms(batch: ReadingBatch) -> Int64:
    delay: Int64 = (batch.received_at_us - batch.measured_at_us) // 1000
    return delay.clip(-_DELAY_MS_MAX, _DELAY_MS_MAX)


def distinct(batch: ReadingBatch) -> ReadingBatch:
    """The batch with one row, the first, of each (point, measured_at)."""
    if len(batch) < 2:
        return batch
    order = np.lexsort((np.arange(len(batch)), batch.measured_at_us, batch.point_id))
    point, at = batch.point_id[order], batch.measured_at_us[order]
    first = np.r_[True, (point[1:] != point[:-1]) | (at[1:] != at[:-1])]
    return batch if first.all() else batch.take(np.sort(order[first]))
