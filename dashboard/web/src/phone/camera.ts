import type { Position } from "@/api/phone";
import { formatTime } from "@/format/time";
import { newId } from "./identity";
import type { Shot } from "./store";

const SIDE_PX_MAX = 1600;
export const JPEG_BYTES_MAX = 600_000;
const QUALITIES = [0.82, 0.7, 0.55, 0.4] as const;
const PLACE_WAIT_MS_MAX = 8_000;
/** A place that was found so recently is where one still is. */
const PLACE_AGE_MS_MAX = 60_000;
const DEGREES_DIGITS = 5;

/** Where the phone is, or why it does not know. Never rejects. */
export function whereabouts(): Promise<Position> {
  if (!("geolocation" in navigator) || !window.isSecureContext) return Promise.resolve({ missing: "unsupported" });
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.round(coords.accuracy) }),
      ({ code }) => resolve({ missing: code === 1 ? "denied" : code === 3 ? "timeout" : "unavailable" }),
      { timeout: PLACE_WAIT_MS_MAX, maximumAge: PLACE_AGE_MS_MAX },
    );
  });
}

/** The line in the picture: time, and place or that there is none. */
export function stampText(takenAtMs: number, position: Position, where: string, unknown: string): string {
  const place = "latitude" in position ? `${position.latitude.toFixed(DEGREES_DIGITS)}, ${position.longitude.toFixed(DEGREES_DIGITS)} ±${position.accuracy_m} m` : unknown;
  return [formatTime(takenAtMs, "full"), where, place].filter(Boolean).join("  ");
}

function drawn(picture: ImageBitmap, text: string): HTMLCanvasElement {
  const scale = Math.min(1, SIDE_PX_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser draws no pictures");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const size = Math.max(10, Math.round(canvas.width / 48));
  pen.font = `${size}px sans-serif`;
  pen.fillStyle = "rgb(0 0 0 / 55%)";
  pen.fillRect(0, canvas.height - size * 1.8, canvas.width, size * 1.8);
  pen.fillStyle = "#fff";
  pen.textBaseline = "middle";
  pen.fillText(text, size * 0.6, canvas.height - size * 0.9, canvas.width - size * 1.2);
  return canvas;
}

function encoded(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((made) => (made ? resolve(made) : reject(new Error("this picture cannot be written"))), "image/jpeg", quality);
  });
}

/** A photo made small enough for the phone and its connection, with time and place drawn into it. Rejects for what is no picture. */
export async function shoot(file: Blob, institution: { id: number; name: string }, unknownPlace: string): Promise<Shot> {
  const taken_at_ms = Date.now();
  const [picture, position] = await Promise.all([createImageBitmap(file, { imageOrientation: "from-image" }), whereabouts()]);
  const canvas = drawn(picture, stampText(taken_at_ms, position, institution.name, unknownPlace));
  picture.close();
  let made = await encoded(canvas, QUALITIES[0]);
  for (const quality of QUALITIES.slice(1)) {
    if (made.size <= JPEG_BYTES_MAX) break;
    made = await encoded(canvas, quality);
  }
  return { id: newId(), institution_id: institution.id, jpeg: await made.arrayBuffer(), taken_at_ms, position, sent: false };
}
