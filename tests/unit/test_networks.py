"""Where a contact may lead: to what is public, and to what was named."""

from ipaddress import ip_network

import pytest

from alerting.channels.networks import may_reach
from alerting.settings import NotifySettings


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",  # noqa: S104
        "100.100.100.200", "168.63.129.16", "224.0.1.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "localhost", "", "example.org",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not may_reach(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_not(address: str) -> None:
    assert may_reach(address, ())


def test_a_named_network_is_allowed_and_no_other() -> None:
    allowed = [ip_network("10.20.0.0/16"), ip_network("fd12::/16")]
    assert may_reach("10.20.3.4", allowed)
    assert may_reach("::ffff:10.20.3.4", allowed)
    assert may_reach("fd12::7", allowed)
    assert not may_reach("10.21.0.1", allowed)
    assert not may_reach("127.0.0.1", allowed)


def test_networks_are_written_as_a_list_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert NotifySettings().webhook_networks_allowed == []
    monkeypatch.setenv("ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED", "10.20.0.0/16, fd12::/16")
    assert NotifySettings().webhook_networks_allowed == [ip_network("10.20.0.0/16"), ip_network("fd12::/16")]
