import { readonly, ref } from "vue";

const HIGH_HZ = 1_040;
const LOW_HZ = 780;
const TONE_S = 0.45;
const VOLUME = 0.35;
const FADE_S = 0.02;
const TEST_S = 4 * TONE_S;

const unlocked = ref(false);
let context: AudioContext | null = null;
let volume: GainNode | null = null;
let wanted = false;
let testTimer: ReturnType<typeof setTimeout> | undefined;

/**
 * A tone that jumps between two pitches. The jumping is done by a second oscillator and not by timers, which browsers
 * slow down in background tabs.
 */
function build(): { context: AudioContext; volume: GainNode } {
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { type: "triangle", frequency: (HIGH_HZ + LOW_HZ) / 2 });
  const jump = new OscillatorNode(audio, { type: "square", frequency: 1 / (2 * TONE_S) });
  const depth = new GainNode(audio, { gain: (HIGH_HZ - LOW_HZ) / 2 });
  const out = new GainNode(audio, { gain: 0 });
  jump.connect(depth).connect(tone.frequency);
  tone.connect(out).connect(audio.destination);
  tone.start();
  jump.start();
  audio.onstatechange = () => {
    unlocked.value = audio.state === "running";
  };
  return { context: audio, volume: out };
}

function apply(loud: boolean): void {
  if (context && volume) volume.gain.setTargetAtTime(loud ? VOLUME : 0, context.currentTime, FADE_S);
}

/** Browsers allow sound only after a gesture: call this from a click or a key press. */
async function unlock(): Promise<void> {
  if (!context) ({ context, volume } = build());
  await context.resume();
  unlocked.value = context.state === "running";
  apply(wanted);
}

function sound(on: boolean): void {
  wanted = on;
  apply(on);
}

/** Lets the operator hear that the speakers work. */
async function test(): Promise<void> {
  await unlock();
  apply(true);
  clearTimeout(testTimer);
  testTimer = setTimeout(() => apply(wanted), TEST_S * 1000);
}

export const siren = { unlocked: readonly(unlocked), unlock, sound, test };
