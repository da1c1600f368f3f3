"""Everything that reads what others send, with what nobody sends on purpose: it answers, or refuses in its own words.

tests/fuzz has the list, and with `make test-fuzz` a search that is led by what the code does with each input.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.decoders import DECODERS, OURS, Decoder
from tests.fuzz.found import found

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest", "alerting", "inspection", "dashboard")
EXAMPLES = 12 * int(os.environ.get("ANHU_FUZZ_EXAMPLES", "1"))
# What reads bytes or text into something else, by what it is called in the code.
READERS = {
    ("tomllib", "loads"), ("toml_text", "loads"), ("orjson", "loads"), ("json", "loads"), ("json_text", "loads"),
    ("csv", "reader"), ("csv", "DictReader"), ("zipfile", "ZipFile"), ("tarfile", "open"), ("Image", "open"),
    ("openpyxl", "load_workbook"), ("base64", "b64decode"), ("base64", "urlsafe_b64decode"), ("struct", "unpack"),
    ("struct", "unpack_from"), ("struct", "Struct"), ("int", "from_bytes"), ("message", "ParseFromString"),
    ("jwt", "decode"), ("pickle", "loads"), ("marshal", "loads"), ("_REQUEST", "validate_json"), ("zlib", "decompress"),
    ("", "fromstring"), ("", "loads"), ("", "parse_qs"), ("", "TypeAdapter"),
}  # fmt: skip
TOKENS = (
    b"", b"\0", b"\xff", b"\xed\xa0\x80", b'"', b"'", b"[", b"]", b"{", b"}", b"=", b",", b"\n", b"#", b"null", b"true",
    b"nan", b"inf", b"NaN", b"-1", b"0", b"1e400", b"-1e400", b"9" * 400, b"9" * 5000, b"[" * 3000, b"{a=" * 3000,
    b'{"a":' * 3000, b"2026-13-45", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"[[]]", b'""', b"[1]",
    b"{a=1}", b'"\\ud800"', b'"\\u0000"', b"18446744073709551616", b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff", b"x" * 9000,
)  # fmt: skip

edit = st.tuples(
    st.floats(0, 1), st.sampled_from((0, 0, 1, 2, 8, 100)), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8))
)
value = st.tuples(st.floats(0, 1), st.sampled_from(TOKENS))


def edited(seed: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Some bytes replaced by others."""
    for share, count, instead in edits:
        at = round(share * len(seed))
        seed = seed[:at] + instead + seed[at + count :]
    return seed


def revalued(seed: bytes, values: list[tuple[float, bytes]]) -> bytes:
    """What stands behind a `=` or a `:` replaced, up to the end of the value: what is around it stays whole."""
    for share, instead in values:
        places = [at for at, byte in enumerate(seed) if byte in b"=:"]
        if places:
            at = places[min(int(share * len(places)), len(places) - 1)] + 1
            ends = [each for each in (seed.find(stop, at + 1) for stop in (b"\n", b",", b"}")) if each >= 0]
            seed = seed[:at] + b" " + instead + seed[min(ends, default=len(seed)) :]
    return seed


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda each: each.name)
def test_it_reads_what_it_is_for(decoder: Decoder) -> None:
    seeds = decoder.seeds()
    assert any(decoder.run(each) is not None for each in seeds)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda each: each.name)
def test_no_bytes_make_it_fail_otherwise_than_it_says(decoder: Decoder) -> None:
    seeds = decoder.seeds()
    data = st.one_of(
        st.builds(edited, st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=3)),
        st.builds(revalued, st.sampled_from(seeds), st.lists(value, min_size=1, max_size=2)),
        st.binary(max_size=200),
        st.sampled_from(TOKENS),
    )

    @settings(
        max_examples=max(EXAMPLES // 2, 5) if decoder.heavy else EXAMPLES,
        derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data)
    def tried(sent: bytes) -> None:
        decoder.run(sent)

    tried()


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda each: each.name)
def test_what_once_made_it_fail_does_so_no_more(decoder: Decoder) -> None:
    for each in found(decoder.name):
        decoder.run(each)


def test_nothing_is_kept_for_a_decoder_that_is_none() -> None:
    kept = {path.name for path in (ROOT / "tests" / "fuzz" / "found").iterdir() if path.is_dir()} - {"__pycache__"}
    assert kept <= {each.name for each in DECODERS}
    assert kept


def reading_modules() -> Iterator[tuple[str, str]]:
    """Every module that reads bytes or text into something else, and the first call by which it does."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if {"static", "web", "node_modules"} & set(path.parts):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and (call := called(node)) in READERS:
                    yield ".".join(path.relative_to(ROOT).with_suffix("").parts), ".".join(call)
                    break


def called(node: ast.Call) -> tuple[str, str]:
    match node.func:
        case ast.Attribute(value=ast.Name(id=whose), attr=name):
            return whose, name
        case ast.Name(id=name):
            return "", name
        case ast.Subscript(value=ast.Name(id=name)):
            return "", name
        case _:
            return "", ""


def test_whatever_reads_foreign_bytes_is_fuzzed() -> None:
    covered = {module for each in DECODERS for module in each.covers}
    reading = dict(reading_modules())
    assert len(reading) > 25
    missing = {module: call for module, call in reading.items() if module not in covered | OURS.keys()}
    assert not missing, "a line in tests/fuzz/decoders.py is missing"
    assert not covered & OURS.keys()
    gone = (covered | OURS.keys()) - {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert not gone
