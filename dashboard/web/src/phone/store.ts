import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { HazardDetail, HazardOptions } from "@/api/hazards";
import type { InspectionDetail } from "@/api/inspections";
import type { PhonePlace, Position } from "@/api/phone";
import { queued, type NewAct, type QueuedAct } from "./queue";

/** Raised with every change of the shape below; `upgrade` brings older ones along and never drops unsent acts. */
const VERSION = 1;
const PREFIX = "anhu-phone-";

/** A photo taken here. The bytes are kept as such: not every browser keeps a Blob whole. */
export interface Shot {
  id: string;
  institution_id: number;
  jpeg: ArrayBuffer;
  taken_at_ms: number;
  position: Position;
  sent: boolean;
}

/** A photo of the server's, taken along. */
export interface Picture {
  id: string;
  jpeg: ArrayBuffer;
  kept_at_ms: number;
}

export interface Kept<T> {
  id: string;
  detail: T;
  kept_at_ms: number;
}

/** What was taken along last: of today and the days ahead. */
export interface Day {
  fetched_at_ms: number;
  inspections: string[];
  rechecks: string[];
  options: HazardOptions;
  left_out: number;
}

interface Shape extends DBSchema {
  acts: { key: number; value: QueuedAct };
  shots: { key: string; value: Shot };
  pictures: { key: string; value: Picture };
  inspections: { key: string; value: Kept<InspectionDetail> };
  hazards: { key: string; value: Kept<HazardDetail> };
  places: { key: string; value: Kept<PhonePlace> };
  day: { key: "day"; value: Day };
}

type Named = "inspections" | "hazards" | "places" | "pictures" | "shots";

/** What one account keeps on this phone. Every change is on the disk when its promise resolves. */
export class PhoneStore {
  private constructor(private readonly database: IDBPDatabase<Shape>) {}

  /** `outdated` is called when a newer version of the page needs this one to let go. */
  static async open(accountId: number, outdated: () => void): Promise<PhoneStore> {
    const database = await openDB<Shape>(`${PREFIX}${accountId}`, VERSION, {
      upgrade(made) {
        made.createObjectStore("acts", { keyPath: "no", autoIncrement: true });
        for (const name of ["shots", "pictures", "inspections", "hazards", "places"] as const) made.createObjectStore(name, { keyPath: "id" });
        made.createObjectStore("day");
      },
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        outdated();
      },
    });
    return new PhoneStore(database);
  }

  /** Everything the account keeps here, its unsent work too. */
  static async forget(accountId: number): Promise<void> {
    await deleteDB(`${PREFIX}${accountId}`);
  }

  close(): void {
    this.database.close();
  }

  acts(): Promise<QueuedAct[]> {
    return this.database.getAll("acts");
  }

  /** Puts an act at the end of the queue with its photos, and marks the conflict it decides: all of it or nothing. */
  async add(act: NewAct, shots: readonly Shot[]): Promise<QueuedAct> {
    const transaction = this.database.transaction(["acts", "shots"], "readwrite", { durability: "strict" });
    const acts = transaction.objectStore("acts");
    const bare: Omit<QueuedAct, "no"> & { no?: number } = queued(act, 0);
    delete bare.no; // The database gives the next one.
    const no = await acts.add(bare as QueuedAct);
    for (const shot of shots) await transaction.objectStore("shots").put(shot);
    if (act.settles !== null) {
      const met = (await acts.getAll()).find(({ id, state }) => id === act.settles && state === "conflict");
      if (met) await acts.put({ ...met, state: "settled" });
    }
    await transaction.done;
    return queued(act, no);
  }

  async change(act: QueuedAct): Promise<void> {
    await this.database.put("acts", act);
  }

  /** Removes acts, and the photos that no other act names. */
  async drop(gone: readonly QueuedAct[], photosOf: (act: QueuedAct) => string[]): Promise<void> {
    const transaction = this.database.transaction(["acts", "shots"], "readwrite");
    for (const { no } of gone) await transaction.objectStore("acts").delete(no);
    const needed = new Set((await transaction.objectStore("acts").getAll()).flatMap(photosOf));
    for (const id of gone.flatMap(photosOf)) if (!needed.has(id)) await transaction.objectStore("shots").delete(id);
    await transaction.done;
  }

  get<N extends Named>(name: N, id: string): Promise<Shape[N]["value"] | undefined> {
    return this.database.get(name, id);
  }

  all<N extends Named>(name: N): Promise<Shape[N]["value"][]> {
    return this.database.getAll(name);
  }

  ids(name: Named): Promise<string[]> {
    return this.database.getAllKeys(name);
  }

  async put<N extends Named>(name: N, value: Shape[N]["value"]): Promise<void> {
    await this.database.put(name, value);
  }

  day(): Promise<Day | undefined> {
    return this.database.get("day", "day");
  }

  /** Replaces what was taken along. What acts are still about stays, so that they can be shown. */
  async keepDay(
    day: Day, inspections: readonly InspectionDetail[], hazards: readonly HazardDetail[], places: readonly PhonePlace[], needed: ReadonlySet<string>,
  ): Promise<void> {
    const transaction = this.database.transaction(["inspections", "hazards", "places", "day"], "readwrite");
    const kept_at_ms = day.fetched_at_ms;
    const parts = [
      ["inspections", inspections.map((detail) => ({ id: detail.id, detail, kept_at_ms }))],
      ["hazards", hazards.map((detail) => ({ id: detail.id, detail, kept_at_ms }))],
      ["places", places.map((detail) => ({ id: String(detail.institution.id), detail, kept_at_ms }))],
    ] as const;
    for (const [name, rows] of parts) {
      const store = transaction.objectStore(name);
      const fresh = new Set(rows.map(({ id }) => id));
      for (const id of await store.getAllKeys()) if (!fresh.has(id) && !needed.has(id)) await store.delete(id);
      for (const row of rows) await (store as unknown as { put(value: unknown): Promise<unknown> }).put(row);
    }
    await transaction.objectStore("day").put(day, "day");
    await transaction.done;
  }

  /** Drops pictures that nothing taken along shows any longer. */
  async keepPictures(shown: ReadonlySet<string>): Promise<void> {
    for (const id of await this.ids("pictures")) if (!shown.has(id)) await this.database.delete("pictures", id);
  }

  /** Drops what was taken along, and keeps unsent work. */
  async clearTaken(): Promise<void> {
    const transaction = this.database.transaction(["inspections", "hazards", "places", "pictures", "day"], "readwrite");
    for (const name of ["inspections", "hazards", "places", "pictures", "day"] as const) await transaction.objectStore(name).clear();
    await transaction.done;
  }
}
