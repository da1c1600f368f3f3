"""What a channel is handed, and what every channel can do."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from alerting import wording
from alerting.delivery import Answer


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One message to one address. Both the address and the link are secrets, and kept out of every text of this."""

    push_id: UUID
    contact_id: int
    address: str
    title: str
    body: str
    link: str | None
    language: str
    form: str
    urgency: int
    drill: bool
    alert_id: UUID | None

    @property
    def key(self) -> str:
        """The same at every attempt, for providers that take a message once however often it is sent."""
        return f"{self.push_id}.{self.contact_id}"

    def text(self, bytes_max: int | None) -> str:
        """Title, as much of the body as fits, and the link."""
        return wording.fitted(self.title, self.body, self.link, self.language, bytes_max)

    def __repr__(self) -> str:
        return f"Letter(push_id={self.push_id}, contact_id={self.contact_id})"


class Channel(Protocol):
    """One kind of way to reach people. `send` answers within its time limit; a provider's doing raises nothing."""

    def send(self, letter: Letter) -> Answer:
        """Send, and say what became of it."""

    def check(self, address: str) -> None:
        """Raise ContactInvalid for an address that this channel cannot use; the message does not repeat it."""
