import { afterEach, expect, it } from "vitest";
import { effectScope, nextTick, ref, type EffectScope, type Ref } from "vue";
import { useSpeaker, type Locks } from "./speaker";

/** The browser's locks as far as tabs need them: one holder a name, the others in turn. */
class FakeLocks {
  private readonly queues = new Map<string, (() => Promise<void>)[]>();

  readonly request = ((name: string, options: LockOptions, turn: (lock: null) => Promise<void>): Promise<void> => {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        await turn(null);
        queue.shift();
        resolve();
        void queue[0]?.();
      };
      options.signal?.addEventListener("abort", () => {
        const at = queue.indexOf(run);
        if (at > 0) {
          queue.splice(at, 1);
          reject(new DOMException("given up", "AbortError"));
        }
      });
      if (queue.push(run) === 1) void run();
    });
  }) as unknown as Locks["request"];
}

const scopes: EffectScope[] = [];

function tab(locks: Locks | null): { wanted: Ref<boolean>; mine: Ref<boolean>; close: () => void } {
  const scope = effectScope();
  scopes.push(scope);
  const wanted = ref(false);
  const mine = scope.run(() => useSpeaker("alarm", () => wanted.value, locks));
  if (!mine) throw new Error("no scope");
  return { wanted, mine, close: () => scope.stop() };
}

async function settled(): Promise<void> {
  await nextTick();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

afterEach(() => scopes.splice(0).forEach((scope) => scope.stop()));

it("sounds in one tab, and in the next when that one is closed", async () => {
  const locks = new FakeLocks();
  const [first, second] = [tab(locks), tab(locks)];
  first.wanted.value = true;
  await settled();
  second.wanted.value = true;
  await settled();
  expect([first.mine.value, second.mine.value]).toEqual([true, false]);
  first.close();
  await settled();
  expect([first.mine.value, second.mine.value]).toEqual([false, true]);
});

it("a tab that wants no more does not sound when its turn comes, and does not cancel the others", async () => {
  const locks = new FakeLocks();
  const [first, second, third] = [tab(locks), tab(locks), tab(locks)];
  for (const each of [first, second, third]) {
    each.wanted.value = true;
    await settled();
  }
  second.wanted.value = false;
  await settled();
  expect([first.mine.value, second.mine.value, third.mine.value]).toEqual([true, false, false]);
  first.wanted.value = false;
  await settled();
  expect([first.mine.value, second.mine.value, third.mine.value]).toEqual([false, false, true]);
  third.wanted.value = false;
  first.wanted.value = true;
  await settled();
  expect([first.mine.value, third.mine.value]).toEqual([true, false]);
});

it("sounds in every tab where the browser has no locks", async () => {
  const [first, second] = [tab(null), tab(null)];
  first.wanted.value = true;
  second.wanted.value = true;
  await settled();
  expect([first.mine.value, second.mine.value]).toEqual([true, true]);
});
