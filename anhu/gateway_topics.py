"""Which topics of a routes file an institution's gateway may use: those that are read as that institution's, and as
nobody else's. Purely."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ingest.formats import IGNORE
from ingest.routes import INSTITUTION, Filter, RouteRule, is_own


@dataclass(frozen=True, slots=True)
class GatewayTopics:
    """Topic filters by the institution's code, and the routes that give nobody a right, with the reason."""

    of: dict[str, tuple[str, ...]]
    withheld: tuple[str, ...]


def gateway_topics(rules: Sequence[RouteRule], institutions: Collection[str]) -> GatewayTopics:
    """What `rules` give the gateways of `institutions` (codes) beyond Anhu's own topics. A right is a filter of MQTT,
    which can take more than its route does: it is withheld where it would reach into another institution's route."""
    rules = [each for each in rules if each.format != IGNORE and not is_own(each.filter)]
    found: dict[str, list[str]] = {code: [] for code in institutions}
    withheld = []
    for rule in rules:
        right = _right(rule.filter)
        others = [each for each in rules if not _same_institution(rule, each)]
        if right is None:
            withheld.append(f"{rule.filter}: the level {INSTITUTION} comes after one that takes any number of levels")
        elif other := next((each for each in others if right.overlaps(each.filter)), None):
            withheld.append(f"{rule.filter}: the right to it would reach into {other.filter}")
        else:
            for code in [rule.institution] if rule.institution else found:
                topic = "/".join(code if level == INSTITUTION else level for level in right.levels)
                if code in found and topic not in found[code]:
                    found[code].append(topic)
    return GatewayTopics({code: tuple(topics) for code, topics in found.items() if topics}, tuple(withheld))


def _right(filter_: Filter) -> Filter | None:
    """The filter as the broker can say it, with the place of the institution in it; None where that is lost."""
    place = filter_.levels.index(INSTITUTION) if INSTITUTION in filter_.levels else None
    plain = filter_.subscription.split("/")
    if place is None:
        return Filter(tuple(plain))
    if place >= len(plain) or plain[place] == "#":
        return None
    return Filter((*plain[:place], INSTITUTION, *plain[place + 1 :]))


def _same_institution(one: RouteRule, another: RouteRule) -> bool:
    """Whether both can only speak of the same one, on any topic that both take."""
    if one is another or one.institution or another.institution:
        return one is another or one.institution == another.institution
    return one.filter.levels.index(INSTITUTION) == another.filter.levels.index(INSTITUTION)
