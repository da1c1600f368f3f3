"""The random draw (双随机): which institutions are visited, and by whom; anybody can recompute it.

Before anything is drawn two things are fixed and their SHA-256 made known: the seed, and the register — the candidates
with their weights, the inspectors, who may not go where. The draw then takes a word that a witness says, so that
neither who chose the seed nor who says the word decides alone. Everything is whole numbers and SHA-256:

- stream: block i is HMAC-SHA256(seed, canonical JSON of [register_sha256, word] + i as 8 bytes, big-endian), i = 0, 1,
  and so on; each block gives four numbers of 64 bits, big-endian.
- below(n): the next number x with x < 2^64 - 2^64 mod n, modulo n. (Rejection leaves no bias.)
- institutions: one by one without replacement; of the candidates left, in the order of their codes, the one in whose
  share of the weights below(their total) falls.
- team: for each visit and seat in turn, of the inspectors who may sit there, are not on this team, have no conflict
  with the institution, and leave the seats that follow possible: those with the fewest visits so far, in the order of
  their keys, the one that below(their number) names.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any, Final

from inspection.canonical import canonical, sha256
from inspection.errors import DrawFalse, DrawImpossible, StepRefused
from inspection.visit import Duty

FORMAT: Final = "anhu-draw-1"
SEED_BYTES: Final = 32
WEIGHT_MAX: Final = 1_000_000
VISITS_MAX: Final = 500
TEAM_MAX: Final = 9
WORD_LENGTH_MAX: Final = 200
_WORDS_PER_BLOCK: Final = 4


class State(StrEnum):
    """Where a draw stands."""

    ANNOUNCED = "announced"
    DRAWN = "drawn"
    PUBLISHED = "published"
    VOID = "void"


class Verb(StrEnum):
    """What can happen to a draw."""

    ANNOUNCE = "announce"
    DRAW = "draw"
    PUBLISH = "publish"
    VOID = "void"


_STEPS: Final = {
    (State.ANNOUNCED, Verb.DRAW): State.DRAWN,
    (State.ANNOUNCED, Verb.VOID): State.VOID,
    (State.DRAWN, Verb.PUBLISH): State.PUBLISHED,
}


def step(state: State, verb: Verb) -> State:
    """The state after `verb`. Raises StepRefused where there is no such step."""
    found = _STEPS.get((state, verb))
    if found is None:
        raise StepRefused(f"a draw that is {state} does not allow {verb}")
    return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """An institution that may be drawn; the weight is a whole number from 1 to WEIGHT_MAX."""

    code: str
    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Inspector:
    """Somebody who may be drawn. `key` is a staff number ("P12"): no name stands in a register."""

    key: str
    duties: frozenset[Duty]


@dataclass(frozen=True, slots=True)
class Register:
    """Everything a draw depends on but the seed and the word. `seats` are the duties of one team, the leader's first;
    `conflicts` are pairs (inspector's key, institution's code)."""

    draw: str
    title: str
    planned_for: str
    visits: int
    seats: tuple[Duty, ...]
    candidates: tuple[Candidate, ...]
    inspectors: tuple[Inspector, ...]
    conflicts: frozenset[tuple[str, str]]

    def body(self) -> dict[str, Any]:
        """As JSON: what register_sha256 is of."""
        return {
            "format": FORMAT,
            "draw": self.draw,
            "title": self.title,
            "planned_for": self.planned_for,
            "visits": self.visits,
            "seats": [each.value for each in self.seats],
            "candidates": [
                {"code": each.code, "name": each.name, "weight": each.weight}
                for each in sorted(self.candidates, key=lambda each: each.code)
            ],
            "inspectors": [
                {"key": each.key, "duties": sorted(each.duties)}
                for each in sorted(self.inspectors, key=lambda each: each.key)
            ],
            "conflicts": sorted(list(pair) for pair in self.conflicts),
        }


@dataclass(frozen=True, slots=True)
class Drawn:
    """One visit: an institution's code, and the inspectors' keys by seat."""

    institution: str
    team: tuple[tuple[str, Duty], ...]


def register_of(body: Mapping[str, Any]) -> Register:
    """The inverse of Register.body. Raises DrawFalse for what is no register."""
    try:
        if body["format"] != FORMAT:
            raise DrawFalse(f"the format {body['format']!r} is not {FORMAT}")
        return Register(
            draw=str(body["draw"]),
            title=str(body["title"]),
            planned_for=str(body["planned_for"]),
            visits=int(body["visits"]),
            seats=tuple(Duty(each) for each in body["seats"]),
            candidates=tuple(
                Candidate(str(each["code"]), str(each["name"]), int(each["weight"])) for each in body["candidates"]
            ),
            inspectors=tuple(
                Inspector(str(each["key"]), frozenset(Duty(duty) for duty in each["duties"]))
                for each in body["inspectors"]
            ),
            conflicts=frozenset((str(key), str(code)) for key, code in body["conflicts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DrawFalse(f"this is no register: {error!r}") from error


def check(register: Register) -> None:
    """Raises DrawImpossible for a register nothing can be drawn from: each candidate needs a weight and a possible
    team, and there are at least as many candidates as visits."""
    codes = [each.code for each in register.candidates]
    keys = [each.key for each in register.inspectors]
    if len(set(codes)) != len(codes) or len(set(keys)) != len(keys):
        raise DrawImpossible("somebody, or some institution, stands twice in the register")
    if not 1 <= register.visits <= min(len(codes), VISITS_MAX):
        raise DrawImpossible(f"{register.visits} visits cannot be drawn from {len(codes)} institutions")
    if not 1 <= len(register.seats) <= TEAM_MAX or register.seats[0] is not Duty.LEADER:
        raise DrawImpossible(f"a team has a leader first, and at most {TEAM_MAX} seats")
    if register.seats.count(Duty.LEADER) != 1 or Duty.MEMBER in register.seats:
        raise DrawImpossible("a team has one leader, experts and officers")
    for each in register.candidates:
        if not 1 <= each.weight <= WEIGHT_MAX:
            raise DrawImpossible(f"the weight of {each.code} is not from 1 to {WEIGHT_MAX}")
        if not team_possible(register, each.code):
            raise DrawImpossible(f"nobody without a conflict is left for {each.code}")


def team_possible(register: Register, code: str) -> bool:
    """Whether a whole team without conflicts can be made for that institution."""
    return _fits(_free(register, code), register.seats)


def draw(register: Register, seed: bytes, word: str) -> tuple[Drawn, ...]:
    """The visits, in the order they were drawn. Raises DrawImpossible."""
    check(register)
    stream = _Stream(seed, sha256(register.body()), word)
    left = sorted(register.candidates, key=lambda each: each.code)
    load = dict.fromkeys(sorted(each.key for each in register.inspectors), 0)
    found = []
    for _ in range(register.visits):
        chosen = left.pop(_weighted(stream, [each.weight for each in left]))
        found.append(Drawn(chosen.code, _team(register, chosen.code, load, stream)))
    return tuple(found)


def result_body(drawn: Sequence[Drawn]) -> dict[str, Any]:
    """As JSON."""
    return {
        "visits": [
            {"institution": each.institution, "team": [[key, duty.value] for key, duty in each.team]} for each in drawn
        ]
    }


def commitment(seed: bytes) -> str:
    """What is made known of the seed before the draw: its SHA-256, in hex."""
    return hashlib.sha256(seed).hexdigest()


def verify(record: Mapping[str, Any]) -> tuple[Drawn, ...]:
    """Recompute an exported draw; its visits. Raises DrawFalse saying what does not follow.

    The record has `register`, `register_sha256`, `seed`, `seed_sha256` (hex), `word` and `result`. That both SHA-256
    were known before the draw the record cannot show: they have to be held against the announcement.
    """
    try:
        seed = bytes.fromhex(record["seed"])
        word = str(record["word"])
        told = {name: str(record[name]) for name in ("register_sha256", "seed_sha256")}
        body, result = record["register"], record["result"]
    except (KeyError, TypeError, ValueError) as error:
        raise DrawFalse(f"this is no record of a draw that is published: {error!r}") from error
    register = register_of(body)
    if sha256(body) != told["register_sha256"] or sha256(register.body()) != told["register_sha256"]:
        raise DrawFalse("the register is not the one that was announced: its SHA-256 is another")
    if commitment(seed) != told["seed_sha256"]:
        raise DrawFalse("the seed is not the one that was announced: its SHA-256 is another")
    try:
        drawn = draw(register, seed, word)
    except DrawImpossible as error:
        raise DrawFalse(f"nothing can be drawn from this register: {error}") from error
    if canonical(result) != canonical(result_body(drawn)):
        raise DrawFalse("the result is another than register, seed and word give")
    return drawn


class _Stream:
    """Numbers that follow from seed, register and word, and from nothing else."""

    def __init__(self, seed: bytes, register_sha256: str, word: str) -> None:
        self._numbers = self._words(seed, canonical([register_sha256, word]))

    @staticmethod
    def _words(seed: bytes, text: bytes) -> Iterator[int]:
        for number in count():
            block = hmac.digest(seed, text + number.to_bytes(8, "big"), "sha256")
            for place in range(_WORDS_PER_BLOCK):
                yield int.from_bytes(block[8 * place : 8 * place + 8], "big")

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1, each as likely as any other."""
        limit = 2**64 - 2**64 % bound
        return next(each for each in self._numbers if each < limit) % bound


def _weighted(stream: _Stream, weights: Sequence[int]) -> int:
    left = stream.below(sum(weights))
    for place, weight in enumerate(weights):
        if left < weight:
            return place
        left -= weight
    raise AssertionError("a number below the total lies in somebody's share")


def _team(register: Register, code: str, load: dict[str, int], stream: _Stream) -> tuple[tuple[str, Duty], ...]:
    free = _free(register, code)
    team: list[tuple[str, Duty]] = []
    for place, duty in enumerate(register.seats):
        later = register.seats[place + 1 :]
        able = [key for key in sorted(free) if duty in free[key] and _fits(_without(free, key), later)]
        fewest = min(load[key] for key in able)
        rested = [key for key in able if load[key] == fewest]
        chosen = rested[stream.below(len(rested))]
        team.append((chosen, duty))
        load[chosen] += 1
        del free[chosen]
    return tuple(team)


def _free(register: Register, code: str) -> dict[str, frozenset[Duty]]:
    return {each.key: each.duties for each in register.inspectors if (each.key, code) not in register.conflicts}


def _without(free: Mapping[str, frozenset[Duty]], key: str) -> dict[str, frozenset[Duty]]:
    return {other: duties for other, duties in free.items() if other != key}


def _fits(free: Mapping[str, frozenset[Duty]], seats: Sequence[Duty]) -> bool:
    """Whether the seats can all be taken by different people: a bipartite matching by augmenting paths."""
    seated: dict[str, int] = {}

    def take(place: int, tried: set[str]) -> bool:
        for key, duties in free.items():
            if seats[place] in duties and key not in tried:
                tried.add(key)
                if key not in seated or take(seated[key], tried):
                    seated[key] = place
                    return True
        return False

    return all(take(place, set()) for place in range(len(seats)))
