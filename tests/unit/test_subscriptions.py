"""What is asked of the broker, and what it grants."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.mqtt import Source, Subscriptions
from ingest.settings import PipelineSettings

GRANTED, REFUSED = (ReasonCode(PacketTypes.SUBACK, name) for name in ("Granted QoS 1", "Not authorized"))  # type: ignore[no-untyped-call]


def test_what_is_asked_no_more_is_given_back_even_after_a_crash_in_between() -> None:
    first = Subscriptions.after(("anhu/v1/#", "z/+"), None)
    assert (first.wanted, first.former) == (("anhu/v1/#", "z/+"), [])
    second = Subscriptions.after(("anhu/v1/#", "y/+"), first.all())
    assert second.former == ["z/+"]
    third = Subscriptions.after(("anhu/v1/#",), second.all())  # the second never came to ask the broker
    assert third.former == ["y/+", "z/+"]
    assert Subscriptions.after(("anhu/v1/#", "z/+"), second.all()).former == ["y/+"]


@pytest.mark.parametrize(
    ("reasons", "served"), [((GRANTED, GRANTED), True), ((GRANTED, REFUSED), True), ((REFUSED, GRANTED), False)]
)
def test_a_gateway_that_may_not_be_read_does_not_stop_the_others(
    reasons: tuple[ReasonCode, ReasonCode], served: bool
) -> None:
    source = Source("mqtt://127.0.0.1:1", "test", PipelineSettings(), lambda: 0, Subscriptions(("anhu/v1/#", "z/+")))
    source._asked[1] = list(source.wanted)
    source._on_subscribe(None, None, 1, list(reasons), None)
    assert source.connected is served
    assert (source._problem == "") is served
