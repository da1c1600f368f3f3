"""The routes as one shard looks at them, and what its session subscribes to. Pure."""

from collections.abc import Iterable, Sequence

from ingest.formats import IGNORE
from ingest.routes import INSTITUTION, OWN_ROUTES, PREFIX, Filter, Route, RouteRule, Routes, is_own
from ingest.shards import Shard


class ShardRoutes(Routes):
    """The routes as one shard looks at them: what speaks for another one's institution is passed over. Such messages
    come where a gateway's topics are broader than its institution."""

    def __init__(self, routes: Routes, shard: Shard) -> None:
        super().__init__(routes.rules[len(OWN_ROUTES.rules) :])
        self._shard = shard

    def _look_up(self, topic: str) -> Route | None:
        found = super()._look_up(topic)
        if found is None or self._shard.has(found.institution):
            return found
        return found._replace(format=IGNORE)


def subscriptions(routes: Routes, shard: Shard, codes: Iterable[str]) -> tuple[str, ...]:
    """The filters that a shard subscribes to, of the institutions in `codes` that are its own: each one's own topics,
    and those on which gateways speak for it. The one shard there is subscribes to everything, known or not.

    >>> subscriptions(OWN_ROUTES, Shard(3, 4), ["home-1", "home-2"])
    ('anhu/v1/home-1/#',)
    """
    if shard.whole:
        return routes.subscriptions
    own = sorted(code for code in codes if shard.has(code))
    asked = [f"{PREFIX}/{code}/#" for code in own]
    rules = [each for each in routes.rules if each.format != IGNORE and not is_own(each.filter)]
    for rule in rules:
        rivals = [other for other in rules if other is not rule and other.filter.overlaps(rule.filter)]
        broader = [each for other in rivals for each in _filters(other, shard, own)]
        asked += [
            str(each)
            for each in _filters(rule, shard, own)
            if not any(other != each and other.covers(each) for other in broader)
        ]
    return tuple(dict.fromkeys(asked))


def _filters(rule: RouteRule, shard: Shard, own: Sequence[str]) -> list[Filter]:
    """What to ask the broker for, for what `rule` takes of a shard's institutions."""
    if rule.institution:
        return [Filter.parse(rule.filter.subscription)] if shard.has(rule.institution) else []
    named = (tuple(code if level == INSTITUTION else level for level in rule.filter.levels) for code in own)
    return [Filter.parse(Filter(levels).subscription) for levels in named]
