"""Addresses, and what is said about them."""

import pytest

from anhu.probe import broker_trouble, connect_packet, without_password
from ingest.mqtt import Address


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("mqtt://anhu:p%40ss@host:1883", "mqtt://anhu:***@host:1883"),
        ("postgresql://anhu:x@%2Ftmp%2Fs/anhu refused", "postgresql://anhu:***@%2Ftmp%2Fs/anhu refused"),
        ("mqtt://host", "mqtt://host"),
    ],
)
def test_no_password_is_shown(words: str, shown: str) -> None:
    assert without_password(words) == shown


@pytest.mark.parametrize("address", ["", "host:1883", "http://host", "mqtt://"])
def test_an_address_of_another_shape_is_explained(address: str) -> None:
    assert "mqtt://" in (broker_trouble(address, 1.0) or "")


def test_a_long_password_needs_a_longer_length() -> None:
    packet = connect_packet("id", "user", "x" * 200)
    length = packet[1] & 0x7F | packet[2] << 7
    assert packet[1] & 0x80
    assert len(packet) == 3 + length


def test_an_escaped_password_is_sent_plain() -> None:
    password = Address.parse("mqtt://user:p%40ss@host").password
    assert connect_packet("id", "user", password).endswith(b"\x00\x04p@ss")


def test_an_address_may_name_the_nodes_of_a_cluster_and_the_version_of_mqtt() -> None:
    address = Address.parse("mqtts://anhu:p%3Aw@[::1]:1999,two/?version=3.1.1")
    assert address == Address("::1", 1999, "anhu", "p:w", tls=True, version=4, others=(("two", 8883),))
    assert Address.parse("mqtt://one").nodes == (("one", 1883),)
    for bad in ("mqtt://one,", "mqtt://one:x", "mqtt://one?version=4", "mqtt://one?qos=2", "http://one"):
        with pytest.raises(ValueError, match="a broker's address looks like"):
            Address.parse(bad)
