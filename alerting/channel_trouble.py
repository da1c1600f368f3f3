"""A message that could not be delivered is an alert about the service itself, until its channel works again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerting.alert import Alert, AlertEvent, Condition, Key, Kind, Priority, Source, Verb, alert_id, engine_event
from ingest.reading import to_us

_RULE: Final = "notify."
_PLACE: Final = Source(None, None, None)
_KEY: Final = Key(None, None, Kind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Trouble:
    """When a channel last gave a message up, and last delivered one. `detail` is the provider's answer in short."""

    channel: str
    dead_at: datetime | None
    sent_at: datetime | None
    detail: str


def events(troubles: Iterable[Trouble], standing: Alert | None) -> list[AlertEvent]:
    """What to say of the channels; `standing` is the open alert about the service, if there is one."""
    rules = standing.rules if standing is not None and standing.active else frozenset()
    said = []
    for each in troubles:
        condition = Condition(_RULE + each.channel, Kind.SYSTEM, Priority.HIGH, latching=False)
        if each.dead_at is None:
            continue
        works = each.sent_at is not None and each.sent_at > each.dead_at
        number = alert_id(_KEY, to_us(each.dead_at))
        if not works and condition.rule not in rules:
            at_us = to_us(each.dead_at)
            evidence = {
                "rule": condition.rule, "channel": each.channel,
                "text_zh": f"通知未能送达（{each.channel}）：{each.detail}",
                "text_en": f"A notification could not be delivered ({each.channel}): {each.detail}",
            }  # fmt: skip
            said.append(engine_event(number, Verb.RAISE, at_us, at_us, _PLACE, condition, evidence))
        elif works and condition.rule in rules and standing is not None and each.sent_at is not None:
            evidence = {
                "rule": condition.rule, "channel": each.channel, "text_zh": f"通知渠道 {each.channel} 已恢复",
                "text_en": f"The channel {each.channel} works again",
            }  # fmt: skip
            at_us = to_us(each.sent_at)
            said.append(
                engine_event(standing.id, Verb.CLEAR, at_us, to_us(standing.onset_at), _PLACE, condition, evidence)
            )  # fmt: skip
    return said
