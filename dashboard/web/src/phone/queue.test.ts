import { describe, expect, it } from "vitest";
import type { InspectionDetail } from "@/api/inspections";
import type { Their } from "@/api/phone";
import { overlaid } from "./overlay";
import {
  answered, ATTEMPTS_MAX, cannotChooseMine, delayMs, failed, forgettable, heldBy, judge, nextToSend, queued, sentAct, settling, type NewAct, type QueuedAct,
} from "./queue";

const VISIT = "11111111-1111-4111-8111-111111111111";
const AT = Date.UTC(2026, 2, 2, 8);

function act(no: number, more: Partial<QueuedAct> = {}): QueuedAct {
  const made: NewAct = {
    id: `act-${no}`, subject: { kind: "inspection", id: VISIT }, institution: { id: 1, name: "乐龄", name_en: "" }, based_on: 0,
    deed: { verb: "answer", checklist_id: "gas", item_id: `i${no}`, outcome: "pass", note: "" }, title: "", done_at_ms: AT,
    position: { missing: "denied" }, settles: null,
  };
  return { ...queued(made, no), ...more };
}

const signing = { deed: { verb: "conclude", conclusion: "好" } } as const;
const their: Their = { seq: 7, verb: "answer", at: "", person: null, actor: "", outcome: "pass", passed: null, note: "", photos: [], deadline: null };
const theirs = [their];

describe("the order", () => {
  it("sends the oldest first, whatever order it is held in", () => {
    expect(nextToSend([act(3), act(1), act(2)])?.no).toBe(1);
  });

  it("goes on with another visit while one is held, never past an act of the same one", () => {
    const first = act(1, signing);
    const refused = act(0, { state: "refused" });
    const other = act(2, { subject: { kind: "hazard", id: "h" } });
    expect(nextToSend([refused, first, act(3), other])?.no).toBe(2);
    expect(heldBy([refused, first, act(3)], act(3))).toBe("order");
  });

  it("signs nothing before a conflict is decided, and signs then", () => {
    const met = act(1, { state: "conflict" });
    expect(heldBy([met, act(2, signing)], act(2, signing))).toBe("decision");
    expect(nextToSend([met, act(2, signing)])).toBeNull();
    expect(nextToSend([{ ...met, state: "settled" }, act(2, signing)])?.no).toBe(2);
    expect(nextToSend([{ ...met, state: "aside" }, act(2, signing)])?.no).toBe(2);
  });

  it("goes on with other items of a visit while one is in conflict", () => {
    expect(nextToSend([act(1, { state: "conflict" }), act(2)])?.no).toBe(2);
  });
});

describe("what an answer means", () => {
  it("is sent, in conflict, or refused for good; nothing is dropped", () => {
    expect(answered(act(1), { outcome: "same", theirs: [] }, AT)).toMatchObject({ state: "sent", sent_at_ms: AT });
    expect(answered(act(1), { outcome: "conflict", theirs }, AT)).toMatchObject({ state: "conflict", theirs });
    const refused = failed(act(1), { status: 409, name: "step-refused", detail: "concluded" });
    expect(refused).toMatchObject({ state: "refused", reason: { name: "step-refused", detail: "concluded" }, deed: act(1).deed });
  });

  it.each([
    [0, "", "retry"], [503, "database-unavailable", "retry"], [429, "too-many-attempts", "retry"], [409, "stale-version", "retry"],
    [401, "not-signed-in", "sign_in"], [403, "second-factor-required", "sign_in"], [409, "photos-missing", "photos"], [500, "", "failed"],
    [403, "not-permitted", "refused"], [404, "not-found", "refused"], [422, "photo-refused", "refused"], [413, "too-large", "refused"],
  ] as const)("%i %s: %s", (status, name, verdict) => {
    expect(judge({ status, name, detail: "" })).toBe(verdict);
  });

  it("gives an act that makes the server fail up after a while, so that the rest can go", () => {
    let tried = act(1);
    let times = 0;
    while (tried.state === "waiting" && times < 50) {
      tried = failed(tried, { status: 500, name: "", detail: "" });
      times += 1;
    }
    expect([tried.state, times]).toEqual(["refused", 5]);
  });

  it("waits longer each time, with an end", () => {
    expect(delayMs(1, 1)).toBe(2_000);
    expect(delayMs(3, 1)).toBe(8_000);
    expect(delayMs(ATTEMPTS_MAX - 1, 0)).toBe(150_000);
    expect(delayMs(ATTEMPTS_MAX, 0.5)).toBeNull();
  });

  it("forgets only what has arrived", () => {
    const old = AT - 25 * 3_600_000;
    const acts = [
      act(1, { state: "sent", sent_at_ms: old }), act(2, { state: "sent", sent_at_ms: AT }), act(3, { state: "refused", done_at_ms: old }),
      act(4, { state: "conflict", done_at_ms: old }), act(5, { done_at_ms: old }), act(6, { state: "aside", done_at_ms: old }),
    ];
    expect(forgettable(acts, AT).map(({ no }) => no)).toEqual([1]);
  });
});

describe("a conflict", () => {
  const met = act(1, { state: "conflict", theirs, based_on: 3 });

  it("is settled over theirs by the same deed that knows of it", () => {
    expect(settling(met, "mine", "new", AT + 1)).toMatchObject({ id: "new", settles: "act-1", based_on: 7, deed: met.deed });
  });

  it("is settled for theirs by a remark", () => {
    expect(settling(met, "theirs", "new", AT)).toMatchObject({ settles: "act-1", deed: { verb: "keep" } });
  });

  it("cannot be settled over a failed item", () => {
    expect(cannotChooseMine(met)).toBeNull();
    expect(cannotChooseMine({ ...met, theirs: [{ ...their, outcome: "fail" }] })).toBe("stays_failed");
  });
});

it("sends an act with the phone's times, and the place where there is one", () => {
  const there = { latitude: 43.1, longitude: 124.3, accuracy_m: 9 };
  expect(sentAct(act(1, { position: there }), AT + 60_000)).toMatchObject({ ...there, done_at: "2026-03-02T08:00:00.000Z", sent_at: "2026-03-02T08:01:00.000Z" });
  expect(sentAct(act(1), AT)).not.toHaveProperty("latitude");
  const report = act(1, { subject: { kind: "institution", id: "1" } });
  expect(sentAct(report, AT).subject_id).toBeNull();
});

describe("a visit with what was done here laid over it", () => {
  const item = (item_id: string): InspectionDetail["items"][number] => ({
    checklist_id: "gas", item_id, section_zh: "", section_en: "", zh: "", en: "", level: "general", clause: "", outcome: null, note: "",
    person: null, hazard_id: null, photos: [], seq: 0, answered_at: null, evidence: [],
  });
  const visit = {
    id: VISIT, state: "planned", items: ["i1", "i2", "i3"].map(item), findings: [], version: 1, acts: ["begin"],
    team: [{ id: 5, name: "李", duty: "leader" }, { id: 6, name: "王", duty: "officer" }],
  } as unknown as InspectionDetail;

  it("is begun, answered and signed before the server knows", () => {
    const begin = act(0, { deed: { verb: "begin" } });
    const fail = act(2, { deed: { verb: "answer", checklist_id: "gas", item_id: "i2", outcome: "fail", note: "漏气", title: "软管", level: "major", photos: ["p"] } });
    const shown = overlaid(visit, [fail, act(1), begin], 5, "李");
    expect(shown).toMatchObject({ state: "begun", left: 1, pending: 3, acts: ["answer", "find", "conclude"] });
    expect(shown.items.map(({ outcome, pending }) => [outcome, pending])).toEqual([["pass", "waiting"], ["fail", "waiting"], [null, null]]);
    expect(shown.findings).toMatchObject([{ title: "软管", level: "major", photos: ["p"], hazard_id: null }]);
    expect(overlaid(visit, [begin, act(9, signing)], 5, "李").state).toBe("concluded");
    expect(overlaid(visit, [begin], 6, "王").acts).toEqual(["answer", "find"]);
    expect(overlaid(visit, [], 7, "外人").acts).toEqual([]);
  });

  it("lets the last of one's own answers count, and shows theirs where they differ", () => {
    const again = act(2, { deed: { verb: "answer", checklist_id: "gas", item_id: "i1", outcome: "not_applicable", note: "没有" } });
    expect(overlaid(visit, [again, act(1)], 5, "李").items[0]).toMatchObject({ outcome: "not_applicable", note: "没有" });
    const theirsStand = { ...visit, state: "begun", items: [{ ...item("i1"), outcome: "fail", seq: 7 }] } as InspectionDetail;
    expect(overlaid(theirsStand, [act(1, { state: "conflict" })], 5, "李").items[0]).toMatchObject({ outcome: "fail", pending: "conflict" });
  });
});
