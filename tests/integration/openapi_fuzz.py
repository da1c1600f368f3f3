"""Every operation of the OpenAPI document tried: with what its description permits, with what it forbids, and with odd
values put into what is known to work. What comes back is what the description says, and no error of the service's own.

schemathesis makes the requests from the document and holds the answers against it. The ids of things that exist are put
into half of them, for made-up ones end in a 404 before anything happens. All is worked out from the operation's name:
two runs send the same.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation

from dashboard import auth
from dashboard.app import described
from dashboard.auth import Arrival
from dashboard.settings import DashboardSettings
from inspection.institution_document import MEDIA_TYPES
from tests.integration.dashboard_world import Served
from tests.integration.people_world import Two
from tests.integration.route_rights import EXPECTED, Expected

ANYBODY: Final = "anonymous"
# What JSON can say and a database, a calendar or an integer of four bytes cannot hold; and what is of another kind.
ODD: Final = (
    "\0", "a\0b", "\ud800", "\u202e", "x" * 20_000, "", " ", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00", "0001-01-01", "9999-12-31", "00000000-0000-0000-0000-000000000000",
    "../..", "=1+1", "1e400",
    -1, 0, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf"),
    None, True, [], {}, [[]] * 3, {"a": "\0"},
)  # fmt: skip
_CHECKED: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance",
)  # fmt: skip
_FILES: Final = (*MEDIA_TYPES.values(), "image/png", "image/webp")
_ALIKE: Final = {"{kind}": "gas"}  # a row of EXPECTED stands for all kinds


def _as_file(_context: Any, value: Any) -> bytes:
    """Of a file the document says its media type alone: here it is anything at all."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


def _as_json(_context: Any, value: Any) -> bytes:
    """As Python writes it, with the NaN and Infinity that Python's own reader takes, too."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


schemathesis.serializer("application/json")(_as_json)
for media_type in _FILES:
    schemathesis.serializer(media_type)(_as_file)


@dataclass
class Fuzz:
    """A served world and the people who ask."""

    two: Two
    served: Served
    usernames: tuple[str, ...]
    faults: list[str] = field(default_factory=list)
    statuses: dict[tuple[str, int], int] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        load_all_checks()
        self._checks = CHECKS.get_by_names(_CHECKED)
        self._session = requests.Session()
        self._session.trust_env = False
        with self.two.world.connect() as connection:
            self._persons = connection.execute(
                "SELECT id, role, institution_id, region, active FROM persons"
            ).fetchall()
            self._users = connection.execute("SELECT id, password_hash, password_one_time FROM users").fetchall()

    def people(self) -> dict[str, str]:
        """A session for each, whatever has been done to their accounts before."""
        tokens = {ANYBODY: ""}
        with self.two.world.connect() as connection, connection.transaction():
            for number, *values in self._persons:
                connection.execute(
                    "UPDATE persons SET role = %s, institution_id = %s, region = %s, active = %s WHERE id = %s",
                    (*values, number),
                )
            for number, *values in self._users:
                connection.execute(
                    "UPDATE users SET password_hash = %s, password_one_time = %s WHERE id = %s", (*values, number)
                )
            for username in self.usernames:
                user = auth.named(connection, username)
                tokens[username] = auth.open_session(
                    connection, user, Arrival("127.0.0.1"), DashboardSettings(), second_factor=False
                )
        return tokens

    def send(self, case: Case, who: str, token: str) -> None:
        """One request; what is wrong with its answer is kept."""
        headers = {"Cookie": f"{auth.COOKIE}={token}"} if token else {}
        self.sent += 1
        try:
            answer = case.call(base_url=self.served.url, session=self._session, headers=headers)
        except (ValueError, requests.RequestException) as error:
            self.faults.append(f"{case.operation.label} as {who}: {error!r}")
            return
        key = (case.operation.label, answer.status_code)
        self.statuses[key] = self.statuses.get(key, 0) + 1
        sent = f"{case.path_parameters} {case.query} {str(case.body)[:300]!r}"
        sent += f" → {answer.status_code} {answer.content[:300]!r}"
        if str(answer.status_code) not in case.operation.definition.raw["responses"]:  # "default" would take any
            self.faults.append(f"{case.operation.label} as {who}: a status the description does not know\n  {sent}")
        try:
            case.validate_response(answer, checks=self._checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                said = f"{type(failure).__name__}: {failure}"
                self.faults.append(f"{case.operation.label} as {who}: {said[:600]}\n  {sent}")


def operations() -> list[APIOperation]:
    """All that the document describes."""
    schema = schemathesis.openapi.from_dict(described())
    return [found.ok() for found in schema.get_all_operations()]


def expected(operation: APIOperation) -> Expected | None:
    """What is known of a route, and with which things it can be called."""
    path = operation.path
    if operation.path.endswith("/plans/{kind}"):
        path = path.replace("{kind}", _ALIKE["{kind}"])
    return EXPECTED.get((operation.method.upper(), path))


def made(operation: APIOperation, mode: GenerationMode, count: int) -> list[Case]:
    """Cases of the operation's own; none where its description permits nothing else, or says nothing of the body."""
    found: list[Case] = []

    def keep(case: Case) -> None:
        found.append(case)

    strategy = operation.as_strategy(generation_mode=mode)
    run = hypothesis.settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )(hypothesis.given(strategy)(keep))  # fmt: skip
    try:
        run()
    except Unsatisfiable:
        return []
    return found


def with_things(case: Case, two: Two, known: Expected) -> Case:
    """The same about something that exists."""
    own = {name: two.stands_for(each) for name, each in known.own.items()}
    more = own.pop("", {})
    parameters = dict(case.path_parameters or {}) | {k: v for k, v in own.items() if k in (case.path_parameters or {})}
    query, body = dict(case.query or {}), case.body
    if known.picture or known.content is not None:
        query |= more
    elif isinstance(body, dict):
        body = body | more
    return case.operation.Case(
        method=case.method, path_parameters=parameters, query=query, body=body, media_type=case.media_type,
        headers=case.headers, cookies=case.cookies,
    )  # fmt: skip


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body a value stands, the places that hold others included."""
    yield at
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*at, key))
    elif isinstance(value, list):
        for key, each in enumerate(value[:2]):
            yield from leaves(each, (*at, key))


def replaced(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    """The body with one value another."""
    if not at:
        return odd
    copied = value.copy()
    copied[at[0]] = replaced(value[at[0]], at[1:], odd)
    return copied


def basis(operation: APIOperation, two: Two) -> Case | None:
    """A call that works, from the table of rights; or one as the description has it."""
    known = expected(operation)
    if known is None or known.picture or known.content is not None:
        found = made(operation, GenerationMode.POSITIVE, 1)
        return found[0] if found else None
    own = {name: two.stands_for(each) for name, each in known.own.items()}
    more = own.pop("", {})
    query = dict(part.split("=", 1) for part in known.query.split("&")) if known.query else {}
    return operation.Case(
        method=operation.method.upper(),
        path_parameters=own | ({"kind": "gas"} if "{kind}" in operation.path else {}),
        query=query,
        **({"body": known.body | more, "media_type": "application/json"} if isinstance(known.body, dict) else {}),
    )


def odd(operation: APIOperation, two: Two, count: int) -> Iterator[Case]:
    """`count` cases with one odd value each, of all there can be: in the body, the query or the path."""
    ground = basis(operation, two)
    if ground is None:
        return
    body = ground.body if ground.media_type == "application/json" else None
    asked = [(parameter.name, parameter.location) for parameter in operation.iter_parameters()]
    places: list[tuple[str, Any]] = [("body", at) for at in leaves(body)] if body is not None else []
    places += [(str(location), name) for name, location in asked if str(location) in {"query", "path"}]
    every = [(place, value) for place in places for value in ODD]
    random.Random(operation.label).shuffle(every)
    taken = 0
    for (where, at), value in every:
        if taken == count:
            return
        if where != "body" and (isinstance(value, (list, dict)) or value == "\ud800"):
            continue  # nothing of the kind can stand in an address
        if where == "path" and value in {"", "../.."}:
            continue  # another route's
        parts: dict[str, Any] = {
            "path_parameters": dict(ground.path_parameters or {}), "query": dict(ground.query or {}),
            "body": ground.body, "media_type": ground.media_type,
        }  # fmt: skip
        if where == "body":
            parts["body"] = replaced(body, at, value)
        else:
            parts["path_parameters" if where == "path" else "query"][at] = "" if value is None else str(value)
        taken += 1
        yield operation.Case(method=ground.method, **parts)


def try_everything(fuzz: Fuzz, examples: int, odd_count: int) -> None:
    """Every operation as everybody: with `examples` of its own, the same about things that exist, and `odd_count` odd
    values; the forbidden ones only where there are several examples, for most of them look alike."""
    for operation in operations():
        tokens = fuzz.people()
        known = expected(operation)
        cases = made(operation, GenerationMode.POSITIVE, examples)
        if examples > 1:
            cases += made(operation, GenerationMode.NEGATIVE, examples)
        if known is not None:
            cases += [with_things(case, fuzz.two, known) for case in cases]
        cases += odd(operation, fuzz.two, odd_count)
        for case in cases:
            for who in fuzz.usernames:
                fuzz.send(case, who, tokens[who])
        fuzz.send(cases[0], ANYBODY, "")
