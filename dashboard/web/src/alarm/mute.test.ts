import { expect, it } from "vitest";
import type { SoundPolicy } from "@/api/handovers";
import { backAtMs, heard, muted, muteMs, type Mutes } from "./mute";

const POLICY: SoundPolicy = { policy_version: "1", mute_s_max: 60, mutes_max: 2, fault_mute_s_max: 600 };
const fire = { id: "fire", called_at: "2026-11-28T00:00:00Z" };
const gas = { id: "gas", called_at: "2026-11-28T00:00:30Z" };

it("is heard again by itself when the policy's time is over, and not before", () => {
  const mutes = muted([fire], {}, POLICY, 1_000);
  expect(heard([fire], mutes, 60_999)).toEqual([]);
  expect(backAtMs([fire], mutes, 60_999)).toBe(61_000);
  expect(heard([fire], mutes, 61_000)).toEqual([fire]);
  expect(backAtMs([fire], mutes, 61_000)).toBeNull();
});

it("lets every other alarm through, and the same one when it calls anew", () => {
  const mutes = muted([fire], {}, POLICY, 1_000);
  expect(heard([fire, gas], mutes, 2_000)).toEqual([gas]);
  const worse = { ...fire, called_at: "2026-11-28T00:00:10Z" };
  expect(heard([worse], mutes, 2_000)).toEqual([worse]);
  expect(muteMs([worse], mutes, POLICY)).toBe(60_000);
});

it("can be muted so often as the policy says, and then no more", () => {
  let mutes: Mutes = {};
  for (const atMs of [0, 60_000]) {
    expect(muteMs([fire], mutes, POLICY)).toBe(60_000);
    mutes = muted([fire], mutes, POLICY, atMs);
    expect(heard([fire], mutes, atMs)).toEqual([]);
  }
  expect(muteMs([fire], mutes, POLICY)).toBe(0);
  mutes = muted([fire], mutes, POLICY, 120_000);
  expect(heard([fire], mutes, 120_000)).toEqual([fire]);
});

it("muting what is heard does not lengthen what is muted already", () => {
  const first = muted([fire], {}, POLICY, 0);
  const both = muted([fire, gas], first, POLICY, 40_000);
  expect(heard([fire, gas], both, 59_999)).toEqual([]);
  expect(heard([fire, gas], both, 60_000)).toEqual([fire]);
  expect(backAtMs([fire, gas], both, 60_000)).toBe(100_000);
});

it("keeps the sound on while no policy is known, and where it forbids muting", () => {
  for (const policy of [null, { ...POLICY, mutes_max: 0 }, { ...POLICY, mute_s_max: 0 }]) {
    expect(heard([fire], muted([fire], {}, policy, 0), 0)).toEqual([fire]);
    expect(muteMs([fire], {}, policy)).toBe(0);
  }
});

it("forgets what does not sound any more", () => {
  const mutes = muted([fire, gas], {}, POLICY, 0);
  expect(Object.keys(muted([gas], mutes, POLICY, 60_000))).toEqual(["gas"]);
});
