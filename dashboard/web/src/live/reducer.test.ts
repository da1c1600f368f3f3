import { describe, expect, it } from "vitest";
import type { Alert, AlertFrame, Institution, SnapshotFrame, Verb } from "@/api/contract";
import type { Drill } from "@/api/drills";
import type { DutyCheck } from "@/api/dutyChecks";
import { adoptAlert, adoptDutyCheck, applyFrame, EMPTY } from "./reducer";

const HOME: Institution = {
  id: 1, code: "sim-001", name: "安和养老院", name_en: "Anhe", kind: "nursing_home", region: "220322", device_count: 10,
  offline_count: 0, open_alerts: { critical: 0, high: 0, medium: 0, low: 0, advisory: 0 }, state: "normal",
};

function alertAt(version: number, change: Partial<Alert> = {}): Alert {
  return {
    id: "a", kind: "fire", priority: "critical", state: "UNACKED", open: true, active: true, acknowledged: false,
    latching: true, latched: true, version, occurrences: 1,
    institution: { id: 1, code: "sim-001", name: "安和养老院", name_en: "Anhe" }, zone: null, device: null, unclaimed: null,
    drill: false, quiet: null, quiet_until: null, called_at: "2026-11-22T01:00:01Z",
    onset_at: "2026-11-22T01:00:00Z", raised_at: "2026-11-22T01:00:01Z", cleared_at: null, acknowledged_at: null,
    acknowledged_by: null, reset_at: null, rules: [], evidence: {}, ...change,
  };
}

const CLOSED: Partial<Alert> = { open: false, active: false, acknowledged: true, latched: false, state: "NORMAL" };

function snapshot(cursor: number, alerts: Alert[], institutions = [HOME]): SnapshotFrame {
  return { type: "snapshot", cursor, server_time: "2026-11-22T01:00:02Z", database_away: false, alerts, institutions, duty_checks: [], drills: [] };
}

function frame(cursor: number, verb: Verb, alert: Alert, home: Institution = HOME): AlertFrame {
  const event: AlertFrame["event"] = {
    id: cursor, verb, at: alert.raised_at, recorded_at: alert.raised_at, priority: alert.priority, rule: null,
    actor: "engine", note: null, evidence: {},
  };
  return { type: "alert", cursor, event, alert, institution: home };
}

describe("applyFrame", () => {
  it("takes a snapshot as the truth", () => {
    const before = applyFrame(EMPTY, snapshot(5, [alertAt(1)]));
    const after = applyFrame(before, snapshot(9, [alertAt(1, { id: "b" })]));
    expect([...after.alerts.keys()]).toEqual(["b"]);
    expect(after).toMatchObject({ synced: true, cursor: 9 });
  });

  it("adds an alert and the institution's new state", () => {
    const alarmed: Institution = { ...HOME, state: "alarm", open_alerts: { ...HOME.open_alerts, critical: 1 } };
    const state = applyFrame(applyFrame(EMPTY, snapshot(5, [])), frame(6, "raise", alertAt(1), alarmed));
    expect(state.alerts.get("a")?.version).toBe(1);
    expect(state.institutions.get(1)?.state).toBe("alarm");
    expect(state.cursor).toBe(6);
  });

  it("never goes back in version", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(3, { acknowledged: true })]));
    state = applyFrame(state, frame(6, "raise", alertAt(2)));
    expect(state.alerts.get("a")).toMatchObject({ version: 3, acknowledged: true });
  });

  it("does not let a late frame undo a newer state of the institution", () => {
    const stale: Institution = { ...HOME, state: "alarm" };
    const state = applyFrame(applyFrame(EMPTY, snapshot(8, [])), frame(7, "raise", alertAt(1), stale));
    expect(state.institutions.get(1)?.state).toBe("normal");
    expect(state.cursor).toBe(8);
  });

  it("keeps an alert as long as the server says it is open, whatever its flags", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(1)]));
    state = applyFrame(state, frame(6, "clear", alertAt(2, { active: false })));
    state = applyFrame(state, frame(7, "acknowledge", alertAt(3, { active: false, acknowledged: true })));
    expect(state.alerts.has("a")).toBe(true);
    state = applyFrame(state, frame(8, "reset", alertAt(4, CLOSED)));
    expect(state.alerts.has("a")).toBe(false);
  });

  it("does not reopen a closed alert from an old frame or an overtaken snapshot", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(3)]));
    state = adoptAlert(state, alertAt(4, CLOSED));
    state = applyFrame(state, frame(6, "raise", alertAt(2)));
    expect(state.alerts.size).toBe(0);
    state = applyFrame(state, snapshot(7, [alertAt(3)]));
    expect(state.alerts.size).toBe(0);
  });

  it("keeps the operator's own newer version over an overtaken snapshot", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(1)]));
    state = adoptAlert(state, alertAt(2, { acknowledged: true, state: "ACKED" }));
    state = applyFrame(state, snapshot(6, [alertAt(1)]));
    expect(state.alerts.get("a")?.acknowledged).toBe(true);
  });

  it("opens a closed alert again when a newer version says so", () => {
    let state = adoptAlert(EMPTY, alertAt(4, CLOSED));
    state = applyFrame(state, frame(9, "raise", alertAt(5)));
    expect(state.alerts.get("a")?.version).toBe(5);
  });

  it("learns from a heartbeat whether the pipeline lives and the database answers, and is otherwise unchanged", () => {
    const beat = { type: "heartbeat", server_time: "2026-11-22T01:00:05Z", cursor: 5, pipeline_alive: false, database_away: true } as const;
    const state = applyFrame(EMPTY, beat);
    expect(state).toMatchObject({ pipelineAlive: false, databaseAway: true });
    expect(applyFrame(state, beat)).toBe(state);
    expect(applyFrame(state, { ...beat, database_away: false }).databaseAway).toBe(false);
    expect(applyFrame(state, snapshot(6, [])).databaseAway).toBe(false);
    expect(applyFrame(EMPTY, { ...snapshot(6, []), database_away: true }).databaseAway).toBe(true);
  });

  it("shows the institution's new state also while the database is away and the cursor stands still", () => {
    const alarmed: Institution = { ...HOME, state: "alarm" };
    const told = frame(5, "raise", alertAt(1), alarmed);
    const state = applyFrame(applyFrame(EMPTY, snapshot(5, [])), { ...told, event: { ...told.event, id: null, recorded_at: null } });
    expect(state.institutions.get(1)?.state).toBe("alarm");
    expect(state.alerts.size).toBe(1);
  });

  it("takes in who fell silent and who calls again, without a new version", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(3), alertAt(1, { id: "b" })]));
    const until = "2026-11-22T02:00:00Z";
    state = applyFrame(state, {
      type: "quiet", institution_id: 1, alerts: [{ id: "a", quiet: "shelved", quiet_until: until }, { id: "gone", quiet: null, quiet_until: null }],
    });
    expect(state.alerts.get("a")).toMatchObject({ version: 3, quiet: "shelved", quiet_until: until });
    expect(state.alerts.get("b")?.quiet).toBeNull();
    expect(state.alerts.size).toBe(2);
    state = applyFrame(state, { type: "quiet", institution_id: 1, alerts: [{ id: "a", quiet: null, quiet_until: null }] });
    expect(state.alerts.get("a")?.quiet).toBeNull();
  });

  it("takes from an equal version only what keeps the alert quiet", () => {
    let state = applyFrame(EMPTY, snapshot(5, [alertAt(3)]));
    expect(adoptAlert(state, alertAt(3))).toBe(state);
    state = adoptAlert(state, alertAt(3, { quiet: "maintenance" }));
    expect(state.alerts.get("a")?.quiet).toBe("maintenance");
  });

  it("takes an alert about the service itself, which has no institution", () => {
    const event = frame(6, "raise", alertAt(1, { kind: "system", institution: null }));
    const state = applyFrame(applyFrame(EMPTY, snapshot(5, [])), { ...event, institution: null });
    expect(state.alerts.get("a")?.institution).toBeNull();
    expect(state.institutions.size).toBe(1);
  });

  it("never changes a state in place", () => {
    const before = applyFrame(EMPTY, snapshot(5, [alertAt(1)]));
    applyFrame(before, frame(6, "reset", alertAt(2, CLOSED)));
    expect(before.alerts.size).toBe(1);
  });
});

describe("duty checks and drills", () => {
  const at = "2026-11-22T01:00:00Z";
  const institution = { id: 1, code: "sim-001", name: "安和养老院", name_en: "Anhe" };
  const check: DutyCheck = {
    id: 7, institution, called_at: at, due_at: "2026-11-22T01:10:00Z", answered_at: null, answered_by: null, called_by: "random", note: "", state: "open",
  };
  const answered: DutyCheck = { ...check, answered_at: at, answered_by: "user:wang", state: "answered" };
  const drill: Drill = {
    id: "d", institution, device: null, kind: "fire", by: "user:zhao", scheduled: false, reach: "screen", note: "", raised_s: null, limits: {}, ended_at: null, started_at: at, state: "running",
    raised_at: null, seen_on_screen_s: null, pushed_s: null, acknowledged_s: null, acknowledged_by: null, report: null,
  };

  it("never opens an answered check again from a late frame or an overtaken snapshot", () => {
    let state = applyFrame(EMPTY, { type: "duty_check", check });
    expect(state.dutyChecks.get(7)?.state).toBe("open");
    state = adoptDutyCheck(state, answered);
    state = applyFrame(state, { type: "duty_check", check });
    state = applyFrame(state, { ...snapshot(9, []), duty_checks: [check] });
    expect(state.dutyChecks.get(7)?.state).toBe("answered");
  });

  it("forgets what a snapshot says is not going on any more, and takes what began meanwhile", () => {
    let state = applyFrame(EMPTY, { type: "duty_check", check });
    state = applyFrame(state, { type: "drill", drill });
    state = applyFrame(state, { ...snapshot(9, []), duty_checks: [{ ...check, id: 8 }], drills: [] });
    expect([...state.dutyChecks.keys()]).toEqual([8]);
    expect(state.drills.size).toBe(0);
  });

  it("follows a running drill to its end", () => {
    let state = applyFrame(EMPTY, { type: "drill", drill });
    state = applyFrame(state, { type: "drill", drill: { ...drill, seen_on_screen_s: 0.4 } });
    state = applyFrame(state, { type: "drill", drill: { ...drill, seen_on_screen_s: 0.4, state: "passed" } });
    expect(state.drills.get("d")).toMatchObject({ seen_on_screen_s: 0.4, state: "passed" });
  });
});
