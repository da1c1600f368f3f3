"""People: who may do what, where; how they are reached; their sign-ins. Nobody grants more than they have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, Path, Query, status

from alerting import ledger_store, people_store
from alerting.channels import networks
from alerting.errors import ContactInvalid
from alerting.ledger_store import record_act
from alerting.people import Contact, Person, Right, Role, Scope, contact_hint, may_manage
from alerting.settings import NotifySettings
from dashboard import auth, cursors, people_list_store, schemas, store
from dashboard.access import Permit, Reach, Serving
from dashboard.errors import BadRequest, NotFound, NotPermitted
from dashboard.people_list_store import Filter, Position
from ingest import directory
from ingest.database import Connection

router = APIRouter(prefix="/people", tags=["people"])

log = structlog.get_logger(__name__)

Managing = Annotated[Reach, Depends(Permit(Right.MANAGE_PEOPLE))]
PersonId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": schemas.Problem} for status in (403, 404, 409, 422)
}


@router.get("", summary="Everybody within one's own scope", response_model=schemas.PeoplePage)
def list_people(
    serving: Serving,
    reach: Managing,
    role: Role | None = None,
    inactive: Annotated[bool, Query(description="also those who are not active")] = False,
    q: Annotated[str, Query(max_length=100, description="name, user name or institution")] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> schemas.PeoplePage:
    """A page of them: the widest scope first, within a scope the highest role. Contacts are shown as hints only."""
    after = _decode_cursor(cursor) if cursor else None
    narrowed = Filter(reach.scope, role, inactive, q.replace("\0", ""))
    with serving.reading() as connection:
        found, following = people_list_store.page(connection, narrowed, after, limit)
        return schemas.PeoplePage(
            items=_shown(connection, found),
            total=people_list_store.count(connection, narrowed),
            next_cursor=cursors.encode(*following) if following else None,
        )


@router.post(
    "",
    summary="Add somebody",
    response_model=schemas.PersonWithPassword,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
)
def add(wanted: schemas.PersonRequest, serving: Serving, reach: Managing) -> schemas.PersonWithPassword:
    """With a user name they may sign in, with the one-time password in the answer. Role and scope lie within one's
    own."""
    scope = Scope(wanted.scope.institution_id, wanted.scope.region)
    with serving.writing() as connection:
        demand_standing(connection, reach)
        who = Person(0, wanted.name, wanted.role, scope, wanted.language)
        _demand_grant(connection, reach, who)
        who = people_store.save_person(connection, actor=reach.actor, who=who)
        password = _let_sign_in(connection, reach, who, wanted.username) if wanted.username else None
        [shown] = _shown(connection, [who])
    log.info("person added", person_id=who.id, role=who.role.value, actor=reach.actor)
    return schemas.PersonWithPassword(**dict(shown), one_time_password=password)


@router.patch("/{person_id}", summary="Change somebody", response_model=schemas.PersonWithPassword, responses=_REFUSED)
def change(
    person_id: PersonId, wanted: schemas.PersonChange, serving: Serving, reach: Managing
) -> schemas.PersonWithPassword:
    """Who is made inactive is signed out at once, everywhere. Nobody changes their own role, scope or activity."""
    with serving.writing() as connection:
        demand_standing(connection, reach)
        before = managed(connection, reach, person_id)
        after = replace(
            before,
            name=wanted.name or before.name,
            role=wanted.role or before.role,
            scope=Scope(wanted.scope.institution_id, wanted.scope.region) if wanted.scope else before.scope,
            language=wanted.language or before.language,
            active=before.active if wanted.active is None else wanted.active,
        )
        standing = (before.role, before.scope, before.active)
        if person_id == reach.person.id and (after.role, after.scope, after.active) != standing:
            raise BadRequest("nobody changes their own role, scope or activity: somebody else does")
        _demand_grant(connection, reach, after)
        if after != before:
            people_store.save_person(connection, actor=reach.actor, who=after)
        password = _let_sign_in(connection, reach, after, wanted.username) if wanted.username else None
        if not after.active and (user := store.user_of(connection, person_id)) is not None:
            auth.end_everything(connection, user, reach.actor, "end_sessions")
        store.tell(connection)
        [shown] = _shown(connection, [after])
    log.info("person changed", person_id=person_id, actor=reach.actor)
    return schemas.PersonWithPassword(**dict(shown), one_time_password=password)


@router.put("/{person_id}/contacts", summary="How somebody is reached", response_model=schemas.Person)
def replace_contacts(person_id: PersonId, wanted: schemas.Ways, serving: Serving, reach: Managing) -> schemas.Person:
    """All ways, in the order in which to try them. Addresses can be written here and never be read again. A webhook
    that leads into a network the administrator has not allowed is refused."""
    _demand_public(wanted.ways)
    with serving.writing() as connection:
        demand_standing(connection, reach)
        who = managed(connection, reach, person_id)
        ways = [(way.channel, way.address) for way in wanted.ways]
        people_store.replace_contacts(connection, actor=reach.actor, who=who, ways=ways)
        [shown] = _shown(connection, [who])
    log.info("contacts replaced", person_id=person_id, count=len(ways), actor=reach.actor)
    return shown


@router.post(
    "/{person_id}/reset-password", summary="A new one-time password", response_model=schemas.PersonWithPassword
)
def reset_password(person_id: PersonId, serving: Serving, reach: Managing) -> schemas.PersonWithPassword:
    """Ends their sessions and access tokens; they choose a password of their own when they sign in next."""
    with serving.writing() as connection:
        demand_standing(connection, reach)
        who = managed(connection, reach, person_id)
        user = store.user_of(connection, person_id)
        if user is None:
            raise BadRequest("somebody without a user name has no password")
        password = auth.readable_password()
        store.set_password_hash(connection, user.id, auth.hash_password(password), one_time=True)
        auth.end_everything(connection, user, reach.actor, "reset_password")
        [shown] = _shown(connection, [who])
    log.info("password reset", person_id=person_id, actor=reach.actor)
    return schemas.PersonWithPassword(**dict(shown), one_time_password=password)


def _decode_cursor(cursor: str) -> Position:
    """Raises BadRequest."""
    width, place, rank, name, person_id = cursors.decode(cursor, int, str, int, str, int)
    with cursors.of_this_list():
        if not (0 <= width <= 7 and abs(rank) <= len(Role) and 0 < person_id < 2**31):
            raise ValueError(width, rank, person_id)
        return Position(width, place, rank, name, person_id)


def demand_standing(connection: Connection, reach: Reach) -> None:
    """One change of people after the other, and only by those who may still do so: two who take each other's rights
    away at the same moment do not both succeed."""
    ledger_store.lock(connection)
    now = people_store.person(connection, reach.person.id)
    if now is None or not now.active or (now.role, now.scope) != (reach.person.role, reach.person.scope):
        raise NotPermitted


def managed(connection: Connection, reach: Reach, person_id: int) -> Person:
    """Somebody whose scope and role lie within one's own. Raises NotFound, NotPermitted."""
    who = people_store.person(connection, person_id)
    if who is None or not _within(who.scope, reach.scope, _regions(connection, [who])):
        raise NotFound(f"there is no person {person_id}")
    if not may_manage(reach.person.role, who.role):
        raise NotPermitted("their role goes beyond yours")
    return who


def _demand_grant(connection: Connection, reach: Reach, who: Person) -> None:
    """Raises NotFound, NotPermitted for a scope or role beyond one's own."""
    if who.scope.institution_id is not None:
        reach.demand_institution(connection, who.scope.institution_id)
    elif not who.scope.within(reach.scope):
        raise NotPermitted("this scope goes beyond yours")
    if not may_manage(reach.person.role, who.role):
        raise NotPermitted("this role goes beyond yours")


def _let_sign_in(connection: Connection, reach: Reach, who: Person, username: str) -> str:
    """Give somebody a user name, and answer with their one-time password. Raises UsernameTaken."""
    if store.user_of(connection, who.id) is not None:
        raise BadRequest("they have a user name already, and keep it: the records name them by it")
    password = auth.readable_password()
    store.insert_user(connection, username, who.id, auth.hash_password(password), one_time=True)
    note(connection, reach, who, "add_user", {"username": username})
    return password


def note(connection: Connection, reach: Reach, who: Person, verb: str, body: Mapping[str, Any]) -> None:
    """An act about somebody in the ledger."""
    record_act(
        connection, actor=reach.actor, verb=verb, subject=f"person:{who.id}",
        institution_id=who.scope.institution_id, body=body,
    )  # fmt: skip


def _regions(connection: Connection, people: Iterable[Person]) -> dict[int, str]:
    """The regions of the institutions that are people's scopes."""
    ids = {who.scope.institution_id for who in people if who.scope.institution_id is not None}
    return {each.id: each.region for each in directory.institutions(connection, ids)}


def _within(scope: Scope, own: Scope, regions: Mapping[int, str]) -> bool:
    return scope.within(own, regions.get(scope.institution_id, "") if scope.institution_id is not None else "")


def _demand_public(ways: Iterable[schemas.NewWay]) -> None:
    """Raise BadRequest for a webhook of ours that could never be sent to; what counts is looked at again then."""
    allowed = NotifySettings().webhook_networks_allowed
    for number, way in enumerate(ways, start=1):
        if way.channel == "webhook":
            try:
                networks.check(urlsplit(way.address).hostname, allowed)
            except ContactInvalid as error:
                raise BadRequest(f"contact {number}: {error}") from error
            except ValueError:  # its text may repeat the address
                raise BadRequest(f"contact {number}: this is no address") from None


def _shown(connection: Connection, people: Sequence[Person]) -> list[schemas.Person]:
    ids = [who.id for who in people]
    usernames = store.usernames(connection, ids)
    contacts: dict[int, list[Contact]] = {}
    for contact in people_store.enabled_contacts(connection, ids):
        contacts.setdefault(contact.person_id, []).append(contact)
    return [
        schemas.Person(
            id=who.id,
            name=who.name,
            role=who.role,
            scope=schemas.Scope(institution_id=who.scope.institution_id, region=who.scope.region),
            language=who.language,
            active=who.active,
            username=usernames.get(who.id),
            contacts=[
                schemas.Way(channel=each.channel, rank=each.rank, hint=contact_hint(each.address))
                for each in contacts.get(who.id, [])
            ],
        )
        for who in people
    ]
