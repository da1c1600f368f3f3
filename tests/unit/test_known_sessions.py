"""What is known of sessions while the database is away: only what it confirmed, for a while, never one that ended."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting.people import Person, Role, Scope
from dashboard.known_sessions import COUNT_MAX, KnownSessions
from dashboard.store import OpenSession, User

AGE_S_MAX = 900.0
TOKENS = [b"a", b"b", b"c"]


def session(name: str = "x", lasts_s: float = 86_400) -> OpenSession:
    user = User(1, name, password_one_time=False, person=Person(1, name, Role.OPERATOR, Scope(1)))
    return OpenSession(user, timedelta(seconds=lasts_s))


def test_it_counts_for_a_while_from_the_last_confirmation():
    known = KnownSessions(AGE_S_MAX)
    known.note(b"a", session(), 0)
    assert known.recall(b"a", 899) == session()
    assert known.recall(b"a", 900) is None
    assert known.recall(b"b", 0) is None
    known.compare({b"a"}, {b"a": session("renamed")}, 800)
    assert known.recall(b"a", 1699) == session("renamed")
    assert known.recall(b"a", 1700) is None


def test_it_does_not_outlast_the_session_itself():
    known = KnownSessions(AGE_S_MAX)
    known.note(b"a", session(lasts_s=60), 0)
    assert known.recall(b"a", 59) is not None
    assert known.recall(b"a", 60) is None


def test_what_has_ended_stays_ended_whatever_answer_was_on_its_way():
    known = KnownSessions(AGE_S_MAX)
    known.note(b"a", session(), 0)
    known.note(b"b", session(), 0)
    known.end(b"a")
    known.compare({b"b"}, {}, 1)
    for token in (b"a", b"b"):
        known.note(token, session(), 2)
        known.compare({token}, {token: session()}, 3)
        assert known.recall(token, 4) is None
    assert known.tokens() == set()


def test_who_was_not_asked_about_is_left_alone_and_who_is_not_known_is_not_learned():
    known = KnownSessions(AGE_S_MAX)
    known.note(b"a", session(), 0)
    known.compare({b"b"}, {b"b": session()}, 1)
    assert known.tokens() == {b"a"}


def test_the_number_is_bounded_and_the_least_used_go():
    known = KnownSessions(AGE_S_MAX)
    tokens = [number.to_bytes(4, "big") for number in range(COUNT_MAX + 1)]
    for token in tokens[:-1]:
        known.note(token, session(), 0)
    known.note(tokens[0], session(), 1)
    known.note(tokens[-1], session(), 1)
    assert len(known.tokens()) == COUNT_MAX
    assert known.recall(tokens[0], 2) is not None
    assert known.recall(tokens[1], 2) is None


@given(st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from(["note", "confirm", "refuse", "end"]))))
def test_a_session_is_recalled_only_if_confirmed_and_never_refused_since(steps):
    known = KnownSessions(AGE_S_MAX)
    seen: dict[bytes, list[str]] = {token: [] for token in TOKENS}
    for token, step in steps:
        seen[token].append(step)
        if step == "note":
            known.note(token, session(), 0)
        elif step == "end":
            known.end(token)
        else:
            known.compare({token}, {token: session()} if step == "confirm" else {}, 0)
    for token, history in seen.items():
        first = history.index("note") if "note" in history else len(history)
        ended = "end" in history or "refuse" in history[first:]
        assert (known.recall(token, 1) is not None) == ("note" in history and not ended)
