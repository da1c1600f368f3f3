"""Accounts and rights at the broker, purely: what a gateway may do, and what has to change."""

import base64
import hashlib
from collections.abc import Sequence

import pytest

from anhu.broker_access import (
    COMMANDS,
    SERVICE_USER,
    Login,
    Right,
    changes,
    document,
    gateway_rights,
    own_roles,
    renewals,
)  # fmt: skip
from anhu.gateway_topics import gateway_topics
from ingest.routes import Filter, RouteRule, Routes

HOMES = {"home-1": "安和养老院", "home-2": "福寿养老院"}


def listed(institutions: dict[str, str]) -> tuple[list[dict], list[dict]]:
    """Clients and roles as a broker lists them after the changes for `institutions` are carried out on an empty one."""
    clients, roles = [], []
    for command in changes(institutions, [], []).commands:
        plain = {name: value for name, value in command.items() if name != "command"}
        (roles if command["command"] == "createRole" else clients).append(plain)
    return clients, roles


def verbs(institutions: dict[str, str], clients: list[dict], roles: list[dict]) -> list[tuple[str, str]]:
    told = changes(institutions, clients, roles)
    return [(each["command"], each.get("username") or each["rolename"]) for each in told.commands]


def test_an_empty_broker_gets_a_role_before_the_account_that_has_it() -> None:
    told = changes(HOMES, [], [])
    assert (told.made, told.changed, told.removed) == (("home-1", "home-2"), (), ())
    assert verbs(HOMES, [], []) == [
        ("createRole", "gateway-home-1"), ("createClient", "gateway-home-1"),
        ("createRole", "gateway-home-2"), ("createClient", "gateway-home-2"),
    ]  # fmt: skip
    assert "password" not in str(told.commands)


def test_what_is_as_it_should_be_is_left_alone() -> None:
    clients, roles = listed(HOMES)
    roles[0]["acls"].reverse()  # the plugin keeps an order of its own
    others = [{"username": "anhu", "roles": [{"rolename": "anhu"}]}, {"username": "zigbee", "roles": []}]
    assert changes(HOMES, [*others, *clients], [{"rolename": "anhu", "acls": []}, *roles]).commands == ()


def test_only_what_differs_is_changed_and_what_is_gone_is_removed() -> None:
    clients, roles = listed({**HOMES, "home-3": "旧院"})
    roles[0]["acls"].append({"acltype": "publishClientSend", "topic": "anhu/v1/#", "priority": 5, "allow": True})
    clients[1]["roles"] = [{"rolename": "gateway-home-2"}, {"rolename": "anhu"}]
    told = changes(HOMES, clients, roles)
    assert (told.made, told.changed, told.removed) == ((), ("home-1", "home-2"), ("home-3",))
    assert verbs(HOMES, clients, roles) == [
        ("modifyRole", "gateway-home-1"), ("modifyClient", "gateway-home-2"),
        ("deleteClient", "gateway-home-3"), ("deleteRole", "gateway-home-3"),
    ]  # fmt: skip
    named = changes({**HOMES, "home-1": "安和二院", "home-3": "旧院"}, *listed({**HOMES, "home-3": "旧院"}))
    assert [each["textname"] for each in named.commands] == ["安和二院"]


def test_half_of_an_account_is_made_whole() -> None:
    clients, roles = listed(HOMES)
    assert verbs(HOMES, clients[1:], roles) == [("createClient", "gateway-home-1")]
    assert verbs(HOMES, clients, roles[1:]) == [("createRole", "gateway-home-1")]


def test_new_passwords_only_for_accounts_that_are_there() -> None:
    clients, _ = listed({"home-1": "x"})
    assert [each["username"] for each in renewals(["home-2", "home-1", "home-1"], clients)] == ["gateway-home-1"]


def test_no_right_of_a_gateway_reaches_beyond_its_own_topics() -> None:
    for right in gateway_rights("home-1"):
        own = "anhu/v1/home-1/" if right.kind == "publishClientSend" else f"{COMMANDS}/home-1/"
        assert right.topic.startswith(own)
    refused = [right for right in gateway_rights("home-1") if not right.allow]
    assert {right.topic for right in refused} == {"anhu/v1/home-1/drill", "anhu/v1/home-1/+/drill"}
    assert min(right.priority for right in refused) > max(r.priority for r in gateway_rights("home-1") if r.allow)


def test_topics_of_its_gateway_are_spoken_and_heard_and_a_new_route_changes_the_role() -> None:
    extra = set(gateway_rights("home-1", ["zigbee2mqtt/+"])) - set(gateway_rights("home-1"))
    assert {(each.kind, each.topic) for each in extra} == {
        (kind, "zigbee2mqtt/+") for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
    }
    told = changes(HOMES, *listed(HOMES), {"home-2": ["zigbee2mqtt/+"]})
    assert [each["command"] for each in told.commands] == ["modifyRole"]
    assert told.changed == ("home-2",)


def routed(*routes: tuple[str, str]) -> Sequence[RouteRule]:
    return [RouteRule(Filter.parse(topic), "zigbee2mqtt", institution) for topic, institution in routes]


def test_a_gateway_gets_the_topics_that_are_read_as_its_institutions_alone() -> None:
    rules = (
        *Routes().rules,
        *routed(
            ("zigbee2mqtt/{device}", "home-1"), ("zigbee2mqtt/{device*}/availability", "home-1"),
            ("application/{institution}/device/{device}/event/up", ""), ("gone/{device}", "home-9"),
        ),
        RouteRule(Filter.parse("zigbee2mqtt/bridge/#"), "ignore"),
    )  # fmt: skip
    found = gateway_topics(rules, list(HOMES))
    assert found.of == {
        "home-1": ("zigbee2mqtt/+", "zigbee2mqtt/#", "application/home-1/device/+/event/up"),
        "home-2": ("application/home-2/device/+/event/up",),
    }
    assert found.withheld == ()


@pytest.mark.parametrize(
    ("routes", "withheld"),
    [
        # as MQTT can say it, the first reaches into the second
        ([("gw/{device*}/state", "home-1"), ("gw/{device}", "home-2")], ["gw/{device*}/state"]),
        (
            [("gw/{institution}/{device}", ""), ("gw/home-1/special", "home-2")],
            ["gw/{institution}/{device}", "gw/home-1/special"],
        ),
        ([("x/{device*}/{institution}/y", "")], ["x/{device*}/{institution}/y"]),
        (
            [("a/{institution}/{device}", ""), ("a/{device}/{institution}", "")],
            ["a/{institution}/{device}", "a/{device}/{institution}"],
        ),
        ([("a/{institution}/{device}", ""), ("a/{institution}/{device*}/state", "")], []),
        ([("a/{device}", "home-1"), ("b/{device}", "home-2")], []),
    ],
)
def test_a_right_that_would_reach_into_anothers_route_is_withheld(
    routes: list[tuple[str, str]], withheld: list[str]
) -> None:
    found = gateway_topics(routed(*routes), list(HOMES))
    assert [each.split(":")[0] for each in found.withheld] == withheld
    for code, topics in found.of.items():
        others = [r for r in routed(*routes) if r.institution and r.institution != code]
        assert not any(Filter.parse(topic).overlaps(other.filter) for topic in topics for other in others)


def test_our_own_accounts_are_renewed_and_all_others_kept() -> None:
    salt = bytes(range(12))
    clients, roles = listed(HOMES)
    before = document(
        {"clients": clients, "roles": roles, "groups": [{"groupname": "g"}]}, [Login("device", "old", salt)]
    )
    before["clients"][0]["disabled"] = True
    after = document(before, [Login("anhu", "a", salt), Login("device", "new", salt)])
    assert [each["username"] for each in after["clients"]] == ["anhu", "device", "gateway-home-1", "gateway-home-2"]
    assert after["clients"][1]["disabled"] is True  # somebody has closed it
    assert "disabled" not in after["clients"][0]
    assert after["groups"] == [{"groupname": "g"}]
    assert [each["rolename"] for each in after["roles"]] == ["anhu", "device", "gateway-home-1", "gateway-home-2"]
    digest = base64.b64decode(after["clients"][1]["password"])
    assert digest == hashlib.pbkdf2_hmac("sha512", b"new", salt, 101)
    assert not after["defaultACLAccess"]["publishClientSend"]
    assert document(after, [Login("anhu", "a", salt), Login("device", "new", salt)]) == after


def test_the_service_hears_and_the_shared_account_only_speaks() -> None:
    roles = own_roles()
    assert Right("subscribePattern", "#") in roles[SERVICE_USER]
    assert {right.kind for right in roles["device"] if right.allow} == {"publishClientSend"}
    for name in ("anhu", "device"):
        assert not any(right.allow for right in roles[name] if right.topic.startswith("$CONTROL"))
