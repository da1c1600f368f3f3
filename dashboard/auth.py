"""Passwords, sessions and the first administrator.

A session is a random token in the browser's cookie; the database keeps its SHA-256. It ends when signed out, after a
time without use, and after a fixed time in any case. A program has an access token instead, which is never a session's.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alerting import people_store
from alerting.ledger_store import record_act
from alerting.people import RIGHTS, Person, Right, Role, Scope
from dashboard import access_token_store, store
from dashboard.errors import PasswordUnfit, UserUnknown, WrongCredentials
from dashboard.settings import DashboardSettings
from dashboard.store import OpenSession, SignInWay, User
from dashboard.token_scope import TokenScope
from ingest.database import Connection

COOKIE: Final = "anhu_session"
# Over https: no subdomain, and nobody on the way who breaks into plain http, can set a cookie of this name.
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
ADMINISTRATOR: Final = "admin"
PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 256
TOKEN_LENGTH_MAX: Final = 128
# So that whoever finds one in a file knows what it opens.
ACCESS_TOKEN_PREFIX: Final = "anhup_"  # noqa: S105 - of every token
_TOKEN_BYTES: Final = 32
# Letters and digits that cannot be taken for one another, in groups: it is read off a screen and typed.
_READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 4, 5  # 31^20: 99 bits
_DISTINCT_MIN: Final = 5  # different characters in a password

_hasher: Final = PasswordHasher()  # argon2id with RFC 9106's parameters for little memory (64 MiB)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and whose it is; or an access token, whose `rights` are what is left of theirs for this request."""

    user: User
    token_sha256: bytes
    rights: frozenset[Right]
    second_factor: bool = False  # opened with one
    scopes: frozenset[TokenScope] | None = None  # of an access token
    owes_second_factor: bool = False  # their role must have one, and this session was opened without

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.user.person

    @property
    def actor(self) -> str:
        """How the event log and the ledger name them."""
        return f"user:{self.user.username}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody signs in from: an address, and what is told of their device."""

    address: str
    device: str = ""


def hash_password(password: str) -> str:
    """argon2id, with salt and parameters in the text."""
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    """What the password of an unknown user is checked against, so that the answer takes as long as for a known one."""
    return hash_password(secrets.token_urlsafe(_TOKEN_BYTES))


def prepare() -> None:
    """Work out beforehand what the first sign-in would otherwise wait for."""
    _nobodys_hash()


def check_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the right one; takes as long where there is no such user (None)."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def token_sha256(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def readable_password() -> str:
    """A random password that a person can read and type."""
    groups = ("".join(secrets.choice(_READABLE) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def session_token(cookies: Mapping[str, str], settings: DashboardSettings) -> str | None:
    """What a browser's cookies hold of a session; where all pages are reached by https, the plain name counts for
    nothing, for anybody in between could have set it."""
    plain = None if settings.secure_cookie == "always" else cookies.get(COOKIE)
    return cookies.get(SECURE_COOKIE) or plain


def normal_username(username: str) -> str:
    """User names are the same however they are capitalised."""
    return username.strip().lower()


def seed_administrator(connection: Connection) -> str | None:
    """Create the user `admin` and answer with its password, which is kept nowhere; None when there are users already.

    Safe to be called by several processes at once. Opens its own transaction.
    """
    password = readable_password()
    with connection.transaction():
        if store.count_users(connection):
            return None
        store.lock_users(connection)
        if store.count_users(connection):
            return None
        everybody = Person(0, "管理员", Role.ADMINISTRATOR, Scope())
        who = people_store.save_person(connection, actor="anhu", who=everybody)
        store.insert_user(connection, ADMINISTRATOR, who.id, hash_password(password), one_time=False)
    return password


def named(connection: Connection, username: str) -> User:
    """The user of that name. Raises UserUnknown."""
    found = store.load_user(connection, normal_username(username))
    if found is None:
        raise UserUnknown(f"there is no user {username}")
    return found[0]


def reset_password(connection: Connection, username: str, actor: str) -> str:
    """Give a user a new random password, end their sessions and access tokens, and answer with it. Raises UserUnknown.

    Opens its own transaction.
    """
    password = readable_password()
    with connection.transaction():
        user = named(connection, username)
        store.set_password_hash(connection, user.id, hash_password(password), one_time=False)
        end_everything(connection, user, actor, "reset_password")
    return password


def end_everything(connection: Connection, user: User, actor: str, verb: str) -> list[bytes]:
    """End a user's sessions and access tokens, in the caller's transaction, as the act `verb`: their SHA-256."""
    ended = store.delete_sessions_of(connection, user.id)
    ended += access_token_store.revoke_all(connection, user, actor)
    record_act(
        connection, actor=actor, verb=verb, subject=f"person:{user.person.id}",
        institution_id=user.person.scope.institution_id, body={},
    )  # fmt: skip
    return ended


def change_password(connection: Connection, signed_in: SignedIn, old: str, new: str) -> None:
    """Give the user the password they chose and end their other sessions, in the caller's transaction.

    Raises WrongCredentials when `old` is not their password, PasswordUnfit for a new one that is easily guessed.
    """
    username = signed_in.user.username
    found = store.load_user(connection, username)
    if not check_password(found[1] if found else None, old):
        raise WrongCredentials("the old password is wrong")
    if new == old or username in new.lower() or len(set(new)) < _DISTINCT_MIN:
        raise PasswordUnfit
    store.set_password_hash(connection, signed_in.user.id, hash_password(new), one_time=False)
    store.delete_sessions_of(connection, signed_in.user.id, but=signed_in.token_sha256)


def idle_max(settings: DashboardSettings) -> timedelta:
    """How long a session may lie unused."""
    return timedelta(hours=settings.session_idle_hours_max)


def check_credentials(connection: Connection, username: str, password: str) -> User:
    """Whose password it is. Raises WrongCredentials. Takes some 50 ms and 64 MiB: the caller bounds how many run at
    once."""
    found = store.load_user(connection, username) if "\0" not in username else None
    right = check_password(found[1] if found else None, password)
    if found is None or not right or not found[0].person.active:
        raise WrongCredentials
    user, known_hash = found
    if _hasher.check_needs_rehash(known_hash):
        store.set_password_hash(connection, user.id, hash_password(password), one_time=user.password_one_time)
    return user


def open_session(
    connection: Connection, user: User, arrival: Arrival, settings: DashboardSettings, *, second_factor: bool,
    way: SignInWay = SignInWay.PASSWORD,
) -> str:  # fmt: skip
    """A session of somebody who has shown who they are, in the caller's transaction: the token for their cookie."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    store.purge_sessions(connection, idle=idle_max(settings))
    store.insert_session(
        connection,
        token_sha256(token),
        user.id,
        lasts=timedelta(hours=settings.session_hours_max),
        count_max=settings.sessions_per_user_max,
        address=arrival.address,
        device=arrival.device,
        second_factor=second_factor,
        way=way,
    )
    return token


def new_access_token() -> str:
    """An access token nobody has had."""
    return ACCESS_TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def admit(found: OpenSession, digest: bytes, settings: DashboardSettings) -> SignedIn:
    """Who comes in by a session: with all the rights of their role, and what they still owe."""
    role = found.user.person.role
    owes = role in settings.second_factor_roles and not found.second_factor
    return SignedIn(found.user, digest, RIGHTS[role], found.second_factor, owes_second_factor=owes)


def session_of(connection: Connection, digest: bytes, settings: DashboardSettings) -> OpenSession | None:
    """The session, or the access token, that a SHA-256 stands for; None when there is none or it has ended."""
    return store.load_session(connection, digest, idle=idle_max(settings))
