import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nextTick } from "vue";
import { live } from "@/live/store";
import { fault } from "./fault";

let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  stop = fault.follow();
});

afterEach(() => {
  live.lostSinceMs.value = null;
  stop();
  vi.useRealTimers();
});

async function lose(sinceMs: number | null): Promise<void> {
  live.lostSinceMs.value = sinceMs;
  await nextTick();
}

it("is shown at once and calls only when it lasts", async () => {
  await lose(1);
  expect(fault.current.value).toBe("lost");
  vi.advanceTimersByTime(9_999);
  expect(fault.calling.value).toBe(false);
  vi.advanceTimersByTime(1);
  expect(fault.calling.value).toBe(true);
  expect(fault.lasting.value).toBe("lost");
  await lose(null);
  expect(fault.calling.value).toBe(false);
  expect(fault.current.value).toBeNull();
});

it("never calls for what mended itself in time", async () => {
  await lose(1);
  vi.advanceTimersByTime(5_000);
  await lose(null);
  vi.advanceTimersByTime(60_000);
  expect(fault.lasting.value).toBeNull();
  await lose(2);
  vi.advanceTimersByTime(5_000);
  expect(fault.lasting.value).toBeNull();
});

it("can be silenced for a while only, and calls again the next time", async () => {
  await lose(1);
  vi.advanceTimersByTime(10_000);
  fault.silence();
  expect(fault.calling.value).toBe(false);
  expect(fault.lasting.value).toBe("lost");
  vi.advanceTimersByTime(59_999);
  expect(fault.calling.value).toBe(false);
  vi.advanceTimersByTime(1);
  expect(fault.calling.value).toBe(true);
  fault.silence(600_000);
  vi.advanceTimersByTime(599_999);
  expect(fault.calling.value).toBe(false);
  await lose(null);
  await lose(2);
  vi.advanceTimersByTime(10_000);
  expect(fault.calling.value).toBe(true);
});
