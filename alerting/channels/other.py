"""Every other service, through apprise: the address is an apprise URL (https://github.com/caronc/apprise/wiki).

Apprise tells only whether it thinks the message was taken.
"""

import apprise

from alerting.channels.letter import Letter
from alerting.delivery import Answer, Outcome
from alerting.errors import ContactInvalid


class Other:
    """The channel."""

    def __init__(self, time_limit_s: float) -> None:
        self._time_limit_s = time_limit_s

    def check(self, address: str) -> None:
        """See Channel.check."""
        if apprise.Apprise.instantiate(address) is None:
            raise ContactInvalid("apprise does not know such an address")

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        service = apprise.Apprise.instantiate(letter.address)
        if service is None:
            return Answer(Outcome.REFUSED, "apprise does not know such an address")
        service.socket_connect_timeout = service.socket_read_timeout = self._time_limit_s / 2
        body = letter.text(service.body_maxlen)
        taken = service.notify(body=body, title="")
        return Answer(Outcome.SENT, "taken by apprise") if taken else Answer(Outcome.FAILED, "refused through apprise")
