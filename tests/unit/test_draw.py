"""The random draw: it follows from seed, register and word alone, honours weights and conflicts, and is checked."""

import copy
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from anhu.cli import app
from inspection import draw
from inspection.canonical import sha256
from inspection.draw import Candidate, Inspector, Register, State, Verb
from inspection.errors import DrawFalse, DrawImpossible, StepRefused
from inspection.visit import Duty
from inspection.weighing import Risk, default_weights, weigh

SEED = bytes(range(32))
LEADS = frozenset({Duty.LEADER, Duty.OFFICER})
WEIGHTS = (10, 20, 30, 60, 80)
DRAWS = 10_000
KNOWN_PLACES = ["home-3", "home-4"]
KNOWN_KEYS = ["P5", "P4", "P0", "P3"]


def register(weights=WEIGHTS, visits=1, inspectors=6, conflicts=(), seats=(Duty.LEADER, Duty.OFFICER)) -> Register:
    return Register(
        "d", "一季度抽查", "2026-12-01", visits, seats,
        tuple(Candidate(f"home-{number}", f"养老院 {number}", weight) for number, weight in enumerate(weights)),
        tuple(Inspector(f"P{number}", LEADS) for number in range(inspectors)), frozenset(conflicts),
    )  # fmt: skip


def record(made: Register, word: str = "雪") -> dict:
    body = made.body()
    return {
        "register": body, "register_sha256": sha256(body), "seed": SEED.hex(), "seed_sha256": draw.commitment(SEED),
        "word": word, "result": draw.result_body(draw.draw(made, SEED, word)),
    }  # fmt: skip


def chi_square(seen: dict[str, int], share: dict[str, float], total: int) -> float:
    return sum((seen.get(each, 0) - total * part) ** 2 / (total * part) for each, part in share.items())


def test_the_first_drawn_follows_the_weights():
    made = register()
    seen: dict[str, int] = {}
    for number in range(DRAWS):
        [first] = draw.draw(made, SEED, str(number))
        seen[first.institution] = seen.get(first.institution, 0) + 1
    share = {f"home-{number}": weight / sum(WEIGHTS) for number, weight in enumerate(WEIGHTS)}
    assert chi_square(seen, share, DRAWS) < 18.47  # 99.9 % of chi-square with 4 degrees of freedom
    even = dict.fromkeys(share, 1 / len(share))
    assert chi_square(seen, even, DRAWS) > 1000  # the test tells weighted from even draws


def test_pairs_are_drawn_as_drawing_one_after_the_other_has_it():
    made = register(visits=2)
    seen: dict[str, int] = {}
    for number in range(DRAWS):
        pair = "|".join(each.institution for each in draw.draw(made, SEED, str(number)))
        seen[pair] = seen.get(pair, 0) + 1
    total = sum(WEIGHTS)
    share = {
        f"home-{a}|home-{b}": WEIGHTS[a] / total * WEIGHTS[b] / (total - WEIGHTS[a])
        for a, b in itertools.permutations(range(len(WEIGHTS)), 2)
    }
    assert chi_square(seen, share, DRAWS) < 43.82  # 99.9 % with 19 degrees of freedom


def test_inspectors_are_drawn_evenly():
    made = register(visits=1, seats=(Duty.LEADER,))
    seen: dict[str, int] = {}
    for number in range(3000):
        [only] = draw.draw(made, SEED, str(number))
        [(key, _)] = only.team
        seen[key] = seen.get(key, 0) + 1
    assert chi_square(seen, {f"P{number}": 1 / 6 for number in range(6)}, 3000) < 20.52  # 99.9 %, 5 degrees


def test_a_known_draw_stays_the_same():
    """Whoever recomputes a draw of an older version must get the same: this result may never change."""
    found = draw.draw(register(visits=2), SEED, "雪")
    assert [each.institution for each in found] == KNOWN_PLACES
    assert [key for each in found for key, _ in each.team] == KNOWN_KEYS
    assert draw.draw(register(visits=2), SEED, "雨") != found


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 1000), min_size=1, max_size=8),
    inspectors=st.integers(0, 6),
    visits=st.integers(1, 8),
    conflicts=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=20),
    experts=st.integers(0, 1),
    word=st.text(max_size=20),
)
def test_whatever_is_drawn_keeps_the_rules(weights, inspectors, visits, conflicts, experts, word):
    pairs = {(f"P{key}", f"home-{code}") for key, code in conflicts}
    seats = (Duty.LEADER, Duty.OFFICER, *[Duty.EXPERT] * experts)
    made = register(tuple(weights), visits, inspectors, pairs, seats)
    made = replace(made, inspectors=(*made.inspectors, Inspector("P9", frozenset({Duty.EXPERT}))))
    try:
        found = draw.draw(made, SEED, word)
    except DrawImpossible:
        possible = all(draw.team_possible(made, each.code) for each in made.candidates)
        assert not possible or visits > len(weights)
        return
    assert len({each.institution for each in found}) == visits
    duties = {each.key: each.duties for each in made.inspectors}
    for each in found:
        assert tuple(duty for _, duty in each.team) == seats
        assert len({key for key, _ in each.team}) == len(seats)
        assert all(duty in duties[key] and (key, each.institution) not in pairs for key, duty in each.team)
    assert draw.verify(record(made, word)) == found


def test_whoever_changes_anything_is_found_out():
    good = record(register(visits=2))
    draw.verify(good)
    for path, value in (
        (("register", "candidates", 0, "weight"), 11),
        (("register", "conflicts"), [["P1", "home-1"]]),
        (("seed",), bytes(32).hex()),
        (("word",), "雨"),
        (("result", "visits", 0, "institution"), "home-9"),
        (("register", "format"), "other"),
        (("register", "visits"), "many"),
        (("seed",), None),
    ):
        bad = copy.deepcopy(good)
        place = bad
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        with pytest.raises(DrawFalse):
            draw.verify(bad)
    # With a new SHA-256 the register passes by itself, and no longer gives the result.
    bad = copy.deepcopy(good)
    bad["register"]["candidates"] = bad["register"]["candidates"][1:]
    bad["register_sha256"] = sha256(bad["register"])
    with pytest.raises(DrawFalse, match="result is another"):
        draw.verify(bad)


def test_only_these_steps():
    assert draw.step(draw.step(State.ANNOUNCED, Verb.DRAW), Verb.PUBLISH) is State.PUBLISHED
    for state, verb in ((State.ANNOUNCED, Verb.PUBLISH), (State.DRAWN, Verb.DRAW), (State.DRAWN, Verb.VOID)):
        with pytest.raises(StepRefused):
            draw.step(state, verb)


def test_a_weight_grows_with_risk_and_time_and_names_its_parts():
    now, weights = datetime(2026, 3, 2, tzinfo=UTC), default_weights()
    calm = weigh(Risk(0, 0, 0, now), now, weights)
    assert (calm.value, calm.parts["time"]) == (10, 0)
    assert weigh(Risk(0, 0, 0, None), now, weights).value == 50
    assert weigh(Risk(2, 1, 1, now - timedelta(days=95)), now, weights).parts == {
        "base": 10, "general": 6, "major": 20, "overdue": 10, "time": 9, "rating": 0, "list": 0
    }  # fmt: skip
    assert weigh(Risk(99, 99, 99, now - timedelta(days=9999)), now, weights).value == 10 + 15 + 60 + 30 + 36


def test_a_grade_raises_and_lowers_a_weight_and_nobody_is_left_out():
    now, weights = datetime(2026, 3, 2, tzinfo=UTC), default_weights()
    worst = weigh(Risk(2, 1, 1, now, 4.0), now, weights)
    assert (worst.value, worst.parts["rating"]) == (46 * 4, 46 * 3)
    best = weigh(Risk(0, 0, 0, now, 0.5), now, weights)
    assert (best.value, best.parts["rating"]) == (5, -5)
    assert weigh(Risk(0, 0, 0, now, 0.001), now, weights).value == 1


def test_the_command_recomputes_a_file(tmp_path):
    good = record(register(visits=2))
    path = tmp_path / "draw.json"
    path.write_text(json.dumps(good, ensure_ascii=False), "utf-8")
    found = CliRunner().invoke(app, ["draw", "verify", str(path)])
    assert found.exit_code == 0
    assert [line.split()[1] for line in found.stdout.splitlines() if line[:3].strip().isdigit()] == KNOWN_PLACES
    path.write_text(json.dumps({**good, "word": "雨"}, ensure_ascii=False), "utf-8")
    assert CliRunner().invoke(app, ["draw", "verify", str(path)]).exit_code == 1
    for text in ("[]", "{}", "no json"):
        path.write_text(text, "utf-8")
        assert CliRunner().invoke(app, ["draw", "verify", str(path)]).exit_code == 1
    assert CliRunner().invoke(app, ["draw", "verify", str(tmp_path / "nothing.json")]).exit_code == 1
