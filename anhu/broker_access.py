"""Who may do what at the broker, as mosquitto's dynamic-security plugin keeps it, purely: accounts, roles, and what
has to change so that they are what the registry says.

The gateway of an institution publishes under `anhu/v1/{institution}/` and hears `anhu/commands/v1/{institution}/`; it
publishes and hears what routes read as its institution's alone (anhu/gateway_topics.py); and nothing else. Its account
and its role are called `gateway-{institution}`; what is called otherwise is somebody else's and is left alone. Only the
standard library: the embedded broker starts before anything else is there.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

PASSWORD_ROUNDS: Final = 101  # mosquitto's own number; the passwords are long and random
SALT_BYTES: Final = 12
GATEWAY: Final = "gateway-"
SERVICE_USER, DEVICE_USER, ADMIN_USER = "anhu", "device", "anhu-admin"
READINGS: Final = "anhu/v1"
COMMANDS: Final = "anhu/commands/v1"
NO_TOPICS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
CONTROL: Final = "$CONTROL/dynamic-security/v1"
WITH_PASSWORD: Final = frozenset({"createClient", "setClientPassword"})
# Only the service calls for a drill (and signs it: a broker without this is fooled by nobody).
DRILLS: Final = ("drill", "+/drill")
# What is not allowed is refused.
_DEFAULTS: Final = {
    "publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True,
}  # fmt: skip


class Right(NamedTuple):
    """One entry of a role; the highest priority that fits a topic decides."""

    kind: str
    topic: str
    allow: bool = True
    priority: int = 0


# Brokers do not agree on whether # takes topics that begin with $: who may change accounts is said outright.
_NO_CONTROL: Final = tuple(
    Right(kind, "$CONTROL/#", allow=False, priority=2)
    for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
)


@dataclass(frozen=True, slots=True)
class Login:
    """An account with its password; `salt` is SALT_BYTES random bytes."""

    user: str
    password: str
    salt: bytes
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What a broker's accounts lack. `made` are institutions that get an account and so a password; `commands` are the
    plugin's, in order, without passwords."""

    made: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    commands: tuple[dict[str, Any], ...]


def gateway_user(institution: str) -> str:
    """The account of the gateway of the institution with that code.

    >>> gateway_user("home-1")
    'gateway-home-1'
    """
    return f"{GATEWAY}{institution}"


def gateway_rights(institution: str, topics: Sequence[str] = ()) -> tuple[Right, ...]:
    """What that account may do; `topics` are filters of its gateway's own."""
    own, commands = f"{READINGS}/{institution}", f"{COMMANDS}/{institution}/#"
    return (
        *(Right("publishClientSend", f"{own}/{each}", allow=False, priority=1) for each in DRILLS),
        Right("publishClientSend", f"{own}/#"),
        *_hears(commands),
        *(right for each in topics for right in (Right("publishClientSend", each), *_hears(each))),
    )


def own_roles() -> dict[str, tuple[Right, ...]]:
    """The roles of the accounts that are no gateway's: the service, the account all devices of a small installation
    share, and the one that may change accounts."""
    every = "#"  # gateways have topics of their own; which of them are read is the routes' business
    return {
        SERVICE_USER: (Right("publishClientSend", every), *_hears(every), *_hears("$SYS/#"), *_NO_CONTROL),
        DEVICE_USER: (
            *(Right("publishClientSend", f"{READINGS}/+/{each}", allow=False, priority=1) for each in DRILLS),
            Right("publishClientSend", every),
            *_NO_CONTROL,
        ),
        ADMIN_USER: (Right("publishClientSend", f"{CONTROL}/#"), *_hears(f"{CONTROL}/#")),
    }


def password_hash(password: str, salt: bytes) -> str:
    """PBKDF2 with SHA-512 in base64, as mosquitto keeps it."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    return base64.b64encode(digest).decode()


def document(existing: Mapping[str, Any], logins: Sequence[Login]) -> dict[str, Any]:
    """The plugin's file with `logins`, each in the role of its name, and all else as it is in `existing`. An account
    that somebody has disabled stays so."""
    names = {each.user for each in logins}
    disabled = {each.get("username") for each in _list(existing, "clients") if each.get("disabled")}
    clients = [each for each in _list(existing, "clients") if each.get("username") not in names]
    roles = [each for each in _list(existing, "roles") if each.get("rolename") not in names]
    own = own_roles()
    return {
        **existing,
        "defaultACLAccess": dict(_DEFAULTS),
        "clients": [*(_client(each, disabled=each.disabled or each.user in disabled) for each in logins), *clients],
        "groups": _list(existing, "groups"),
        "roles": [*(_role(each.user, own[each.user]) for each in logins), *roles],
    }


def changes(
    institutions: Mapping[str, str],
    clients: Iterable[Mapping[str, Any]],
    roles: Iterable[Mapping[str, Any]],
    topics: Mapping[str, Sequence[str]] = NO_TOPICS,
) -> Changes:
    """What makes the gateways' accounts those of `institutions` (name by code), given the broker's `clients` and
    `roles` as its plugin lists them; `topics` are those of their gateways, by code."""
    accounts = {each["username"]: each for each in clients if each["username"].startswith(GATEWAY)}
    known = {each["rolename"]: _rights(each) for each in roles if each["rolename"].startswith(GATEWAY)}
    wanted = {gateway_user(code): code for code in sorted(institutions)}
    made, changed, commands = [], [], []
    for user, code in wanted.items():
        steps = []
        rights = gateway_rights(code, topics.get(code, ()))
        if user not in known:
            steps.append({"command": "createRole", **_role(user, rights)})
        elif known[user] != frozenset(rights):
            steps.append({"command": "modifyRole", **_role(user, rights)})
        described = {"textname": institutions[code], "roles": [{"rolename": user}]}
        if user not in accounts:
            made.append(code)
            steps.append({"command": "createClient", "username": user, **described})
        else:
            account = accounts[user]
            held = [each["rolename"] for each in account.get("roles", [])]
            if held != [user] or account.get("textname") != institutions[code] or account.get("groups"):
                steps.append({"command": "modifyClient", "username": user, **described, "groups": []})
            if steps:
                changed.append(code)
        commands += steps
    gone = sorted((accounts.keys() | known.keys()) - wanted.keys())
    commands += [{"command": "deleteClient", "username": each} for each in gone if each in accounts]
    commands += [{"command": "deleteRole", "rolename": each} for each in gone if each in known]
    return Changes(
        tuple(made), tuple(changed), tuple(each.removeprefix(GATEWAY) for each in gone), tuple(commands)
    )  # fmt: skip


def renewals(institutions: Iterable[str], clients: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The commands, without passwords, that give these institutions' accounts new ones; of those that have an account
    among `clients`."""
    users = {each["username"] for each in clients}
    return tuple(
        {"command": "setClientPassword", "username": user}
        for user in map(gateway_user, sorted(set(institutions)))
        if user in users
    )


def _hears(topic: str) -> tuple[Right, Right]:
    return Right("publishClientReceive", topic), Right("subscribePattern", topic)


def _client(login: Login, *, disabled: bool) -> dict[str, Any]:
    shown = {
        "username": login.user,
        "roles": [{"rolename": login.user}],
        "password": password_hash(login.password, login.salt),
        "salt": base64.b64encode(login.salt).decode(),
        "iterations": PASSWORD_ROUNDS,
    }
    return {**shown, "disabled": True} if disabled else shown


def _role(name: str, rights: Iterable[Right]) -> dict[str, Any]:
    return {
        "rolename": name,
        "acls": [
            {"acltype": each.kind, "topic": each.topic, "priority": each.priority, "allow": each.allow}
            for each in rights
        ],
    }


def _rights(role: Mapping[str, Any]) -> frozenset[Right]:
    return frozenset(
        Right(each["acltype"], each["topic"], each["allow"], each.get("priority", 0)) for each in role.get("acls", [])
    )


def _list(existing: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return list(existing.get(name, []))
