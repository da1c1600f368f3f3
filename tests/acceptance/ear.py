"""Hearing what a page sounds and seeing what it shows on the desktop, with the browser's own parts as they are."""

from typing import Final

from playwright.sync_api import Page

HEARD: Final = 0.05  # of full scale; silence is far below
LOOK_ON: Final = """
window.shown = [];
window.takenBack = [];
window.Notification = class extends window.Notification {
  constructor(title, options) {
    super(title, options);
    window.shown.push({ title, ...options });
  }
  close() {
    window.takenBack.push(this.tag);
    super.close();
  }
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    window.ear ??= new AnalyserNode(target.context, { fftSize: 4096 });
    connect.call(this, window.ear);
  }
  return connect.call(this, target, ...rest);
};
window.loudness = () => {
  if (!window.ear) return 0;
  const samples = new Float32Array(window.ear.fftSize);
  window.ear.getFloatTimeDomainData(samples);
  return Math.max(...samples.map(Math.abs));
};
window.hide = () => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.hasFocus = () => false;
};
"""


def loud(page: Page) -> bool:
    """Whether the page sounds anything just now."""
    return bool(page.evaluate("window.loudness()") > HEARD)
