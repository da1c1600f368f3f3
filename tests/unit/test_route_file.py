"""Routes files: checked as a whole, every error told with its line."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import RoutesInvalid
from ingest.route_file import ROUTES_MAX, load, parse
from ingest.routes import Route

FILE = """
# what is sold in the shop round the corner
[[route]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
institution = "home-1"

[[route]]
topic = "application/{institution}/device/{device}/event/up"
format = "chirpstack_up"
names = { smoke_status = "smoke_alarm", noise = "" }
"""


def problems(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(RoutesInvalid) as caught:
        parse(text)
    return caught.value.problems


def test_routes_of_a_file_stand_beside_our_own() -> None:
    routes = parse(FILE)
    assert routes.find("zigbee2mqtt/厨房") == Route("zigbee2mqtt", "home-1", "厨房")
    found = routes.find("application/anhe/device/0101010101010101/event/up")
    assert found is not None
    assert (found.institution, found.names) == ("anhe", {"smoke_status": "smoke_alarm", "noise": ""})
    assert routes.find("anhu/v1/h/d/readings") == Route("native", "h", "d")
    assert routes.subscriptions == ("anhu/v1/#", "zigbee2mqtt/+", "application/+/device/+/event/up")


def test_without_a_file_there_are_our_own(tmp_path: Path) -> None:
    assert load(None).subscriptions == ("anhu/v1/#",)
    file = tmp_path / "routes.toml"
    with pytest.raises(RoutesInvalid, match=r"routes\.toml"):
        load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(RoutesInvalid):
        load(file)
    file.write_text(FILE)
    assert len(load(file).subscriptions) == 3


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        (
            'format = "zigbee2mqtt"',
            'format = "zigbee"',
            3,
            "route 1: format 'zigbee' is not one of acceleration, chirp",
        ),
        ('format = "zigbee2mqtt"', 'format = "drill"', 3, "is not one of"),
        ('format = "zigbee2mqtt"', "", 3, "route 1: format '' is not one of"),
        (
            "zigbee2mqtt/{device}",
            "zigbee2mqtt/{gerät}",
            3,
            "route 1: topic: '{gerät}': a place stands for a whole level",
        ),
        ("zigbee2mqtt/{device}", "zigbee2mqtt/#", 3, "route 1: zigbee2mqtt needs the level {device} in the topic"),
        ("zigbee2mqtt/{device}", "anhu/v1/home-1/{device}", 3, "is Anhu's own"),
        ("zigbee2mqtt/{device}", "{device}/v1/x/y", 3, "is Anhu's own"),
        ("zigbee2mqtt/{device}", "z/{institution}/{device}", 3, "name the institution once"),
        ('institution = "home-1"', "", 3, "name the institution once"),
        ('institution = "home-1"', 'institution = "家"', 3, "institution is a code"),
        ('institution = "home-1"', "institution = 1", 3, "institution is a code"),
        ('institution = "home-1"', 'institution = "home-1"\ncolour = 1', 3, "route 1: unknown field colour"),
        (
            'smoke_status = "smoke_alarm"',
            'smoke_status = "smell"',
            8,
            "route 2: names: smoke_status = 'smell' is no quant",
        ),
        ('names = { smoke_status = "smoke_alarm", noise = "" }', "names = 7", 8, "names is a table"),
        (
            'format = "zigbee2mqtt"',
            'format = "native"\nnames = { a = "co" }',
            3,
            "names has a meaning for chirpstack_up",
        ),
        ("[[route]]", "[[rout]]", None, "unknown entry rout"),
        ('topic = "zigbee2mqtt', "topic = zigbee2mqtt", 4, ""),
    ],
)
def test_an_error_is_told_with_its_line(before: str, after: str, line: int | None, said: str) -> None:
    told = problems(FILE.replace(before, after, 1))
    assert any(at == line and said in text for at, text in told), told


def test_every_error_is_told_at_once() -> None:
    told = problems(FILE.replace('"zigbee2mqtt"', '"x"', 1).replace("/{device}/event", "/{dev}/event"))
    assert [at for at, _ in told] == [3, 8]


def two(first: str, second: str, first_format: str = "zigbee2mqtt") -> str:
    return "".join(
        f'[[route]]\ntopic = "{topic}"\nformat = "{format_}"\ninstitution = "h"\n'
        for topic, format_ in ((first, first_format), (second, "zigbee2mqtt"))
    )


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("z/{device}", "z/{device}", "route 2: z/{device} is never used, route 1 (line 1) takes all its topics"),
        ("z/{device*}", "z/{device}/x", "is never used"),
        ("z/+/{device}", "z/a/{device}", "is never used"),
        ("z/{device}/x", "z/a/{device}", "is ambiguous, some of its topics are those of route 1 (line 1)"),
        ("z/{device*}/availability", "z/bridge/{device*}", "is ambiguous"),
    ],
)
def test_two_routes_for_one_topic_are_told(first: str, second: str, said: str) -> None:
    ((line, told),) = problems(two(first, second))
    assert line == 5
    assert said in told


def test_the_narrower_route_may_stand_first() -> None:
    assert len(parse(two("z/{device*}/availability", "z/{device*}")).rules) == len(
        parse(two("a/{device}", "b/{device}")).rules
    )
    ignoring = two("z/bridge/#", "z/{device*}/availability", "ignore").replace('institution = "h"\n', "", 1)
    found = parse(ignoring).find("z/bridge/availability")
    assert found is not None
    assert found.format == "ignore"


def test_the_examples_of_the_documentation_are_routes() -> None:
    document = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    examples = [each for each in re.findall(r"```toml\n(.*?)```", document, re.DOTALL) if "[[route]]" in each]
    assert len(examples) == 3
    assert [len(parse(each).rules) - len(load(None).rules) for each in examples] == [2, 2, 1]
    slashes = [
        ("bridge/#", "ignore"), ("{device*}/set", "ignore"), ("{device*}/get", "ignore"),
        ("{device*}/availability", "zigbee2mqtt_availability"), ("{device*}", "zigbee2mqtt"),
    ]  # fmt: skip
    home = 'institution = "home-1"\n'
    routes = parse(
        "".join(f'[[route]]\ntopic = "zigbee2mqtt/{topic}"\nformat = "{name}"\n{home}' for topic, name in slashes)
    )
    found = {
        topic: (route.format, route.device)
        for topic in ("bridge/state", "kitchen/smoke", "kitchen/smoke/availability", "kitchen/smoke/set")
        if (route := routes.find(f"zigbee2mqtt/{topic}"))
    }
    assert found == {
        "bridge/state": ("ignore", None),
        "kitchen/smoke": ("zigbee2mqtt", "kitchen/smoke"),
        "kitchen/smoke/availability": ("zigbee2mqtt_availability", "kitchen/smoke"),
        "kitchen/smoke/set": ("ignore", "kitchen/smoke"),
    }
    assert routes.subscriptions == ("anhu/v1/#", "zigbee2mqtt/#")


def test_a_file_is_bounded() -> None:
    many = "".join(
        f'[[route]]\ntopic = "z{n}/{{device}}"\nformat = "zigbee2mqtt"\ninstitution = "h"\n'
        for n in range(ROUTES_MAX + 1)
    )
    ((_, told),) = problems(many)
    assert "at most 1000" in told


@pytest.mark.parametrize("text", ["", "route = 3", "route = [1]", "[route]", "\0"])
def test_what_is_no_routes_file(text: str) -> None:
    assert problems(text)


@given(st.sampled_from(FILE.strip().split("\n")), st.text(max_size=40))
def test_no_line_makes_it_fail_otherwise(line: str, instead: str) -> None:
    with suppress(RoutesInvalid):
        parse(FILE.replace(line, instead))
