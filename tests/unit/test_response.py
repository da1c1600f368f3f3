"""What counts as answered in time: by when the escalation policy calls the next."""

import math
from dataclasses import replace

from alerting.alert import Kind, Priority
from alerting.escalation import default_policy, parse
from alerting.response import Response, finite, target_s, targets

DEFAULT = parse(default_policy())


def test_the_target_is_the_moment_at_which_the_next_are_called():
    by_sort = {(each.kind, each.priority, each.institution_kind): each.within_s for each in targets(DEFAULT)}
    assert by_sort[Kind.FIRE, Priority.CRITICAL, "nursing_home"] == 60  # then the safety officer is called
    assert by_sort[Kind.OFFLINE, Priority.HIGH, "nursing_home"] == 300
    assert by_sort[Kind.LOW_BATTERY, Priority.MEDIUM, "rescue_station"] == 14400
    assert by_sort[Kind.LOW_BATTERY, Priority.LOW, "rescue_station"] == 86400  # nobody further: to its end
    for (kind, priority, place), within_s in by_sort.items():
        assert within_s == target_s(DEFAULT.route_of(kind, priority, place))


def test_a_sort_no_route_takes_has_no_target_and_the_first_route_that_fits_counts():
    [first, *_] = DEFAULT.routes
    own = replace(first, id="own", institution_kinds=frozenset({"child_welfare"}), steps=first.steps[:1])
    policy = replace(DEFAULT, routes=(own, first))
    by_sort = {(each.kind, each.institution_kind): each.within_s for each in targets(policy)}
    assert by_sort[Kind.FIRE, "child_welfare"] == own.end_s
    assert by_sort[Kind.FIRE, "nursing_home"] == 60
    assert (Kind.OFFLINE, "nursing_home") not in by_sort


def test_share_is_of_what_was_due_and_an_endless_wait_is_none():
    made = Response(Priority.CRITICAL, 5, 1, 3, 20.0, None, 4, 3)
    assert made.share == 0.75
    assert replace(made, due=0, in_time=0).share is None
    assert (finite(math.inf), finite(None), finite(0.0)) == (None, None, 0.0)
