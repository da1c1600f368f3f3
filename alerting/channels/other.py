"""Every other service, through apprise: the address is an apprise URL (https://github.com/caronc/apprise/wiki).

Apprise tells only whether it thinks the message was taken.
"""

from collections.abc import Sequence

import apprise

from alerting.channels import networks
from alerting.channels.letter import Letter
from alerting.delivery import Answer, Outcome
from alerting.errors import ContactInvalid


class Other:
    """The channel; connections are made to public addresses and `allowed` networks only."""

    def __init__(self, time_limit_s: float, allowed: Sequence[networks.Network] = ()) -> None:
        self._time_limit_s = time_limit_s
        self._allowed = allowed

    def check(self, address: str) -> None:
        """See Channel.check."""
        service = apprise.Apprise.instantiate(address)
        if service is None:
            raise ContactInvalid("apprise does not know such an address")
        host = getattr(service, "host", None)
        networks.check(host if isinstance(host, str) else None, self._allowed)

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        service = apprise.Apprise.instantiate(letter.address)
        if service is None:
            return Answer(Outcome.REFUSED, "apprise does not know such an address")
        service.socket_connect_timeout = service.socket_read_timeout = self._time_limit_s / 2
        service.redirects = False
        body = letter.text(service.body_maxlen)
        guard = networks.Guard(self._allowed)
        with networks.guarded(guard):
            taken = service.notify(body=body, title="")
        if guard.refused and not taken:
            return Answer(Outcome.REFUSED, networks.REFUSAL)
        return Answer(Outcome.SENT, "taken by apprise") if taken else Answer(Outcome.FAILED, "refused through apprise")
