import type { ClientFrame, LiveFrame } from "@/api/contract";
import { reconnectDelayMs } from "./backoff";

/** The server sends a heartbeat every 5 s; after this long without one, or without the first snapshot, the connection counts as lost. */
const SILENCE_MS_MAX = 12_000;
const SILENCE_CHECK_MS = 1_000;

export interface SocketEvents {
  frame(frame: LiveFrame): void;
  /** The connection ended or went silent; it is tried again after this. */
  lost(): void;
  /** Asked before each new attempt; false ends them (nobody is signed in). */
  mayReconnect(): Promise<boolean>;
}

/** One lasting connection to /live: reconnects by itself until closed. */
export class LiveSocket {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private lastFrameAtMs = 0;
  private synced = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setInterval> | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly events: SocketEvents,
  ) {}

  open(): void {
    window.addEventListener("online", this.retryNow);
    window.addEventListener("offline", this.cutOff);
    document.addEventListener("visibilitychange", this.retryNow);
    this.silenceTimer = setInterval(() => this.checkSilence(), SILENCE_CHECK_MS);
    this.connect();
  }

  close(): void {
    this.closed = true;
    window.removeEventListener("online", this.retryNow);
    window.removeEventListener("offline", this.cutOff);
    document.removeEventListener("visibilitychange", this.retryNow);
    clearInterval(this.silenceTimer);
    clearTimeout(this.retryTimer);
    this.abandon();
  }

  send(frame: ClientFrame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.lastFrameAtMs = performance.now();
    this.synced = false;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onmessage = (message: MessageEvent<string>) => {
      const frame = JSON.parse(message.data) as LiveFrame;
      if (frame.type === "snapshot") {
        this.synced = true;
        this.attempt = 0;
      }
      if (this.synced) this.lastFrameAtMs = performance.now();
      this.events.frame(frame);
    };
    socket.onclose = () => this.fail();
  }

  /** Forgets the current socket without waiting for its close handshake, which a dead network never finishes. */
  private abandon(): void {
    if (!this.socket) return;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  private fail(): void {
    this.abandon();
    this.events.lost();
    this.retryTimer = setTimeout(() => void this.retry(), reconnectDelayMs(this.attempt++, Math.random()));
  }

  private async retry(): Promise<void> {
    const may = await this.events.mayReconnect();
    if (may && !this.closed && !this.socket) this.connect();
  }

  private checkSilence(): void {
    if (this.socket && performance.now() - this.lastFrameAtMs > SILENCE_MS_MAX) this.fail();
  }

  /** The browser has lost its network: no need to wait for the silence. Where the service is on this very machine it is back at once. */
  private readonly cutOff = (): void => {
    if (this.socket && !this.closed) this.fail();
  };

  /** The network or the operator came back: don't sit out the rest of the wait. */
  private readonly retryNow = (): void => {
    if (this.socket || this.closed || document.visibilityState === "hidden") return;
    clearTimeout(this.retryTimer);
    void this.retry();
  };
}
