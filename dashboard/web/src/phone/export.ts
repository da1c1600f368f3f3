import type { QueuedAct } from "./queue";
import { photosOf } from "./queue";
import { phone } from "./sync";

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error("a photo cannot be read"));
    reader.readAsDataURL(blob);
  });
}

/** Acts with their photos as one JSON file: what was done, when and where, and why the server did not take it. */
export async function exported(acts: readonly QueuedAct[]): Promise<Blob> {
  const rows = [];
  for (const act of acts) {
    const photos: Record<string, string> = {};
    for (const id of photosOf(act)) {
      const blob = await phone.photo(id);
      if (blob) photos[id] = await dataUrl(blob);
    }
    const { id, subject, institution, deed, title, position, state, reason, theirs, done_at_ms } = act;
    rows.push({ id, subject, institution, title, done_at: new Date(done_at_ms).toISOString(), position, deed, state, reason, theirs, photos });
  }
  return new Blob([JSON.stringify({ what: "anhu phone acts", acts: rows }, null, 2)], { type: "application/json" });
}

/** Hands them to the browser as a download. */
export async function download(acts: readonly QueuedAct[]): Promise<void> {
  const url = URL.createObjectURL(await exported(acts));
  const link = document.createElement("a");
  link.href = url;
  link.download = `anhu-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
