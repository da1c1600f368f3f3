import { expect, it, vi } from "vitest";
import type { Alert } from "@/api/contract";
import { PRIORITIES } from "@/api/contract";
import { compareAlerts } from "@/alert/lifecycle";
import { reordered } from "./order";

const COUNT = 10_000;

function alert(number: number, version = 0): Alert {
  const priority = PRIORITIES[(number * 7 + version) % PRIORITIES.length];
  const raised_at = new Date(Date.UTC(2026, 10, 28) + ((number * 7919) % COUNT) * 1000).toISOString();
  return { id: `a${number}`, version, priority, acknowledged: (number + version) % 3 === 0, raised_at } as Alert;
}

function all(count: number): Map<string, Alert> {
  return new Map(Array.from({ length: count }, (_, number) => [`a${number}`, alert(number)]));
}

function sorted(alerts: ReadonlyMap<string, Alert>): Alert[] {
  return [...alerts.values()].sort(compareAlerts);
}

it("is the order of sorting anew, whatever came, changed and went", () => {
  const alerts = all(500);
  let order = reordered([], alerts);
  expect(order).toEqual(sorted(alerts));
  for (let turn = 0; turn < 60; turn += 1) {
    const at = (turn * 131) % 500;
    if (turn % 3 === 0) alerts.delete(`a${at}`);
    else if (turn % 3 === 1) alerts.set(`a${at}`, alert(at, turn));
    else alerts.set(`a${500 + turn}`, alert(500 + turn));
    order = reordered(order, alerts);
    expect(order).toEqual(sorted(alerts));
  }
});

it("is the very list where nothing has changed", () => {
  const alerts = all(20);
  const order = reordered([], alerts);
  expect(reordered(order, new Map(alerts))).toBe(order);
});

it("does not sort 10,000 again for one that changed", () => {
  const alerts = all(COUNT);
  const order = reordered([], alerts);
  const sortedWith = vi.spyOn(Array.prototype, "sort");
  alerts.set("a77", alert(77, 1));
  const next = reordered(order, alerts);
  expect(sortedWith.mock.contexts.map((each) => (each as unknown[]).length)).toEqual([1]);
  sortedWith.mockRestore();
  expect(next).toHaveLength(COUNT);
  expect(next).toEqual(sorted(alerts));
});
