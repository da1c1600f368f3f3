/** One note: when it begins and how long it sounds (s), and its pitch (Hz). */
export interface Note {
  atS: number;
  lengthS: number;
  pitchHz: number;
}

/** The call to the duty desk: a double tone, then a pause. Repeated as long as it is called. */
export const DUTY_TONES: readonly Note[] = [
  { atS: 0, lengthS: 0.28, pitchHz: 988 },
  { atS: 0.34, lengthS: 0.28, pitchHz: 740 },
];
export const DUTY_PERIOD_S = 1.8;

/** Something is wrong with the watching itself: one low, short tone, then a long pause. */
export const FAULT_TONES: readonly Note[] = [{ atS: 0, lengthS: 0.5, pitchHz: 440 }];
export const FAULT_PERIOD_S = 4;

/** A drill: three rising notes, once. Nothing of the alarm's sound is in it. */
export const DRILL_TONES: readonly Note[] = [
  { atS: 0, lengthS: 0.14, pitchHz: 523 },
  { atS: 0.18, lengthS: 0.14, pitchHz: 659 },
  { atS: 0.36, lengthS: 0.24, pitchHz: 784 },
];
export const DRILL_LENGTH_S = 0.7;

const EDGE_S = 0.02;

/** The notes as samples (−1…1), each with a soft beginning and end so that it does not click. */
export function render(notes: readonly Note[], lengthS: number, rateHz: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.ceil(lengthS * rateHz));
  for (const { atS, lengthS: noteS, pitchHz } of notes) {
    const from = Math.floor(atS * rateHz);
    const count = Math.min(Math.floor(noteS * rateHz), samples.length - from);
    for (let index = 0; index < count; index += 1) {
      const sinceS = index / rateHz;
      const edge = Math.min(1, sinceS / EDGE_S, (noteS - sinceS) / EDGE_S);
      samples[from + index] = edge * Math.sin(2 * Math.PI * pitchHz * sinceS);
    }
  }
  return samples;
}
