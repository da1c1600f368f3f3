import { readonly, ref } from "vue";
import { DRILL_LENGTH_S, DRILL_TONES, DUTY_PERIOD_S, DUTY_TONES, FAULT_PERIOD_S, FAULT_TONES, render, type Note } from "./tones";

const HIGH_HZ = 1_040;
const LOW_HZ = 780;
const TONE_S = 0.45;
const VOLUME = 0.35;
const DUTY_VOLUME = 0.3;
const FAULT_VOLUME = 0.25;
const DRILL_VOLUME = 0.12;
const FADE_S = 0.02;
const TEST_S = 4 * TONE_S;

interface Instrument {
  context: AudioContext;
  alarm: GainNode;
  duty: GainNode;
  fault: GainNode;
  drill: AudioBuffer;
}

/**
 * What calls for a person; of several the first is heard. What is muted comes back after so many seconds by the
 * clock of the sound itself, which no browser slows down in a tab behind others.
 */
interface Calls {
  alarm: boolean;
  duty: boolean;
  fault: boolean;
  alarmBackInS?: number | null;
  faultBackInS?: number | null;
}

const unlocked = ref(false);
let instrument: Instrument | null = null;
let wanted: Calls = { alarm: false, duty: false, fault: false };
let testTimer: ReturnType<typeof setTimeout> | undefined;
let testing = false;

function record(audio: AudioContext, notes: readonly Note[], lengthS: number): AudioBuffer {
  const samples = render(notes, lengthS, audio.sampleRate);
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: audio.sampleRate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}

/** A recording that repeats for ever, not heard yet. */
function loop(audio: AudioContext, notes: readonly Note[], periodS: number): GainNode {
  const gain = new GainNode(audio, { gain: 0 });
  const source = new AudioBufferSourceNode(audio, { buffer: record(audio, notes, periodS), loop: true });
  source.connect(gain).connect(audio.destination);
  source.start();
  return gain;
}

/**
 * The alarm is a tone that jumps between two pitches; the duty check and the fault are recordings that repeat. None
 * needs timers, which browsers slow down in background tabs.
 */
function build(): Instrument {
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { type: "triangle", frequency: (HIGH_HZ + LOW_HZ) / 2 });
  const jump = new OscillatorNode(audio, { type: "square", frequency: 1 / (2 * TONE_S) });
  const depth = new GainNode(audio, { gain: (HIGH_HZ - LOW_HZ) / 2 });
  const alarm = new GainNode(audio, { gain: 0 });
  jump.connect(depth).connect(tone.frequency);
  tone.connect(alarm).connect(audio.destination);
  tone.start();
  jump.start();
  const duty = loop(audio, DUTY_TONES, DUTY_PERIOD_S);
  const fault = loop(audio, FAULT_TONES, FAULT_PERIOD_S);
  audio.onstatechange = () => {
    unlocked.value = audio.state === "running";
  };
  return { context: audio, alarm, duty, fault, drill: record(audio, DRILL_TONES, DRILL_LENGTH_S) };
}

/** How loud something is from now on, and `backInS` seconds later. */
function set({ gain }: GainNode, volume: number, backVolume = 0, backInS: number | null = null): void {
  const now = instrument?.context.currentTime ?? 0;
  gain.cancelScheduledValues(now);
  gain.setTargetAtTime(volume, now, FADE_S);
  if (backInS !== null) gain.setTargetAtTime(backVolume, now + Math.max(0, backInS), FADE_S);
}

/** One thing at a time, the worst first. */
function apply(): void {
  if (!instrument) return;
  const { duty, fault } = wanted;
  const alarm = wanted.alarm || testing;
  set(instrument.alarm, alarm ? VOLUME : 0, VOLUME, alarm ? null : wanted.alarmBackInS);
  set(instrument.duty, duty && !alarm ? DUTY_VOLUME : 0);
  set(instrument.fault, fault && !alarm && !duty ? FAULT_VOLUME : 0, FAULT_VOLUME, fault || alarm || duty ? null : wanted.faultBackInS);
}

/** Browsers allow sound only after a gesture: call this from a click or a key press. */
async function unlock(): Promise<void> {
  instrument ??= build();
  await instrument.context.resume();
  unlocked.value = instrument.context.state === "running";
  apply();
}

/** What is to be heard from now on. */
function sound(calls: Calls): void {
  wanted = calls;
  apply();
}

/** The short sound of a drill, once, and only where nothing real is to be heard. */
function chime(): void {
  if (!instrument || wanted.alarm || wanted.duty || wanted.fault) return;
  const { context, drill } = instrument;
  const source = new AudioBufferSourceNode(context, { buffer: drill });
  source.connect(new GainNode(context, { gain: DRILL_VOLUME })).connect(context.destination);
  source.start();
}

/** Lets the operator hear that the speakers work. */
async function test(): Promise<void> {
  await unlock();
  testing = true;
  apply();
  clearTimeout(testTimer);
  testTimer = setTimeout(() => {
    testing = false;
    apply();
  }, TEST_S * 1000);
}

export const siren = { unlocked: readonly(unlocked), unlock, sound, chime, test };
