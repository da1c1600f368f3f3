"""Peers, side by side: what is sent, what is counted, and the page that is made of it."""

from typing import Any

from benchmarks.load import Load, Trial, best, search
from benchmarks.peers import page, results
from benchmarks.peers.messages import (
    ALARM_FIRST,
    QUIET_COUNT,
    REPEATS,
    RESEND_AFTER_S,
    PeerLoad,
    connection_of,
    fault_messages,
    plain,
)
from benchmarks.peers.tally import Tally, keys, tally

START_US = 1_790_000_000_000_000
CALLERS = (ALARM_FIRST, ALARM_FIRST + 1)


def sent(*, resend: bool = False) -> list[Any]:
    return list(fault_messages(START_US, 20, 10, CALLERS, resend=resend))


def stored(messages: list[Any]) -> list[tuple[str, int, int]]:
    """Three rows a message, as the table answers when all is well."""
    return [(code, at_us, 1) for code, at_us in keys(messages) for _ in range(3)]


def test_every_caller_calls_repeats_and_is_at_rest() -> None:
    said = [each.contact for each in sent() if each.device == ALARM_FIRST]
    assert said == [1] * REPEATS + [0]
    assert all(each.contact == 0 for each in sent() if each.device < QUIET_COUNT)


def test_messages_go_out_in_order_and_a_fifth_once_more_unchanged() -> None:
    once, twice = sent(), sent(resend=True)
    assert [each.due_us for each in twice] == sorted(each.due_us for each in twice)
    again = [each for each in twice if each.again]
    assert len(again) == -(-len(once) // 5)
    assert {(each.device, each.measured_us, each.contact) for each in again} <= {
        (each.device, each.measured_us, each.contact) for each in once
    }
    assert all(each.due_us - each.measured_us == RESEND_AFTER_S * 1e6 for each in again)
    assert any(each.contact for each in again)  # an alarm is among them: else nothing would tell of doubled alerts
    assert keys(once) == keys(twice)


def test_a_device_keeps_its_connection_so_its_order_holds() -> None:
    load = PeerLoad(100, 992 * 2, START_US, 0, QUIET_COUNT)
    assert {(load.device(number), number % load.connections) for number in range(load.count)} == {
        (device, connection_of(device)) for device in range(QUIET_COUNT)
    }


def test_a_load_speaks_the_form_of_its_peer() -> None:
    load = PeerLoad(10, 16, START_US, 0, 16, form=plain)
    assert load.payload(1) == b"1790000000.100000:0:21.0:99"
    assert PeerLoad(10, 16, START_US, 0, 16).payload(1).startswith(b'{"measured_at":1790000000.100000,"values":{')


def test_all_there_is_nothing_lost_or_doubled() -> None:
    messages = sent()
    counted = tally(messages, stored(messages), {"dev-0992": 1, "dev-0993": 1})
    assert counted == Tally(3 * len(messages), 0, 0, 2, 0, 0)


def test_a_missing_row_and_a_missing_alert_are_lost() -> None:
    messages = sent()
    counted = tally(messages, stored(messages)[:-4], {"dev-0992": 1})
    assert (counted.rows_lost, counted.alerts_lost) == (4, 1)
    assert (counted.rows_doubled, counted.alerts_doubled) == (0, 0)


def test_what_was_sent_twice_is_wanted_once() -> None:
    messages = sent(resend=True)
    rows = stored(messages)
    doubled = [(code, at_us, 2) for code, at_us, _ in rows[:5]] + rows[5:]
    counted = tally(messages, doubled, {"dev-0992": 3, "dev-0993": 1})
    assert (counted.rows_lost, counted.rows_doubled, counted.alerts_doubled) == (0, 5, 2)


def test_what_nobody_sent_does_not_make_up_for_what_is_lost() -> None:
    messages = sent()
    rows = [*stored(messages)[1:], ("dev-0001", 1, 1)]
    counted = tally(messages, rows, {"dev-0992": 1, "dev-0993": 1, "dev-0001": 1})
    assert (counted.rows_lost, counted.rows_doubled, counted.alerts_doubled) == (1, 1, 1)


def test_the_search_comes_near_what_a_peer_holds() -> None:
    def trial(rate: float) -> Trial:
        load = Load(rate, round(rate * 2), START_US)
        count = load.count if rate <= 5000 else load.count // 2
        return Trial(load, count, load.last_us)

    assert 4500 <= best(search(trial, 2000, tries_max=12)) <= 5000


def measured(**changed: Any) -> dict[str, Any]:
    """One variant's figures."""
    fault = {"rows_sent": 300, "rows_lost": 0, "rows_doubled": 0, "alerts_sent": 4, "alerts_lost": 0}
    latencies = {
        "row_ms": {"p50": 10.0, "p99": 20.0},
        "rows_missing": 0,
        "websocket_ms": {"p50": 10.0, "p99": 30.0},
        "websocket_missing": 0,
        "cpu_s_per_million": {"peer": 50.0, "postgres": 60.0},
    }
    step = {"rate_per_s": 1000, "seconds": 6, "sent": 6000, "stored": 6000, "backlog_s": 0.1, "held": True}
    return {
        "version": "",
        "highest_per_s": 1000.0,
        "ladder": [step, {**step, "rate_per_s": 2000, "stored": 5000, "held": False}],
        "common": latencies,
        "half": latencies,
        "memory_peak_mib": 300.0,
        "faults": {name: {**fault, "alerts_doubled": 0} for name in ("kill", "broker", "database", "resend")},
    } | changed


MACHINE = {
    "at": "2026-11-28T10:00:00Z", "processor": "x", "cores": 2, "memory_mib": 2048, "load_before": 0.1,
    "postgres": "15", "timescaledb": "2", "mosquitto": "2.0", "python": "3.11", "quick": False, "confirm_s": 20.0,
    "common_per_s": 400, "fault_per_s": 400, "fault_alarms_per_s": 4, "backlog_s_max": 2.0, "database_away_s": 30.0,
}  # fmt: skip
VARIANTS = [("anhu", "Anhu", "出厂", "as shipped"), ("other", "Other", "默认", "defaults"), ("away", "Away", "", "")]


def test_the_page_says_who_is_ahead_and_why() -> None:
    other = measured(memory_peak_mib=10.0, highest_per_s=100.0)
    text = page.render({"machine": MACHINE, "variants": {"anhu": measured(), "other": other}}, VARIANTS)
    lines = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert lines["| 内存峰值（MiB） / peak memory (MiB)"].endswith("| 300 | 10 | Other [1] |")
    assert f"1. {page.WHY_MEMORY}" in text
    assert lines["| 最高速率，每行都已入库（条/秒） / highest rate with every row stored (messages/s)"].endswith(
        "| 1,000 | 100 |  |"
    )
    assert "not measured: Away" in text
    assert "2,000 × 6 s ✗ (5,000 of 6,000" in text
    assert "draft" not in text.casefold()


def test_a_fault_that_costs_anhu_more_is_not_passed_over() -> None:
    own = measured()
    own["faults"] = {**own["faults"], "kill": {**own["faults"]["kill"], "rows_lost": 7}}
    text = page.render({"machine": MACHINE, "variants": {"anhu": own, "other": measured()}}, VARIANTS)
    line = next(line for line in text.splitlines() if "kill -9" in line and "rows lost" in line)
    assert "| 7 / 300 | 0 / 300 | Other: " in line


def test_a_peer_without_a_websocket_has_none_and_a_draft_says_so() -> None:
    without = {**measured()["common"], "websocket_ms": None, "websocket_missing": None}
    other = measured(common=without, half=without)
    document = {"machine": MACHINE | {"quick": True}, "variants": {"anhu": measured(), "other": other}}
    text = page.render(document, VARIANTS)
    assert "| 30 | none |  |" in text
    assert "A draft from a quick run" in text


def test_latencies_tell_of_what_never_came() -> None:
    other = measured(common={**measured()["common"], "rows_missing": 3})
    text = page.render({"machine": MACHINE, "variants": {"anhu": measured(), "other": other}}, VARIANTS)
    assert "- Other, at the common rate: 3 probed rows never came and are not in the p99." in text


def test_figures_of_the_same_day_and_kind_are_kept() -> None:
    first = results.merged({}, MACHINE, "anhu", {"a": 1})
    both = results.merged(first, MACHINE | {"at": "2026-11-28T12:00:00Z"}, "other", {"b": 2})
    assert both["variants"] == {"anhu": {"a": 1}, "other": {"b": 2}}
    assert set(results.merged(both, MACHINE | {"quick": True}, "other", {})["variants"]) == {"other"}
