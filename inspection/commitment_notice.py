"""Who is reminded that a commitment ends, and in which words: the heads of the institution, who can sign a new one."""

import uuid
from collections.abc import Iterable
from typing import Final

from alerting.people import Person
from inspection.commitment import Commitment, may_sign
from inspection.notice import Notice, clock

_NAMESPACE: Final = uuid.UUID("5b1d1e0e-7f0c-4a64-9d0a-3f1b6c2a9e57")


def key(held: Commitment) -> uuid.UUID:
    """What the messages about the end of this commitment have in common: each person gets one of them."""
    return uuid.uuid5(_NAMESPACE, str(held.id))


def readers(held: Commitment, people: Iterable[Person]) -> list[Person]:
    """Whoever could sign a new one."""
    return [each for each in people if may_sign(each, held.institution_id)]


def message(held: Commitment, person: Person, institution: str) -> Notice:
    """The message for one of the readers. `institution` is its name in the reader's language."""
    if person.language == "zh":
        title, body = f"【安全承诺即将到期】{institution}", f"有效期至：{clock(held.until)}\n请在到期前重新签署。"
    else:
        title = f"[The safety commitment ends soon] {institution}"
        body = f"In force until: {clock(held.until)}\nPlease sign a new one before."
    return Notice(person, title, body)
