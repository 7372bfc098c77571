/** Events per second over the last minute. */

const SECONDS = 60;

/** The current second is still filling; the figure is the mean of the full ones before it. */
const MEAN_OVER_SECONDS = 3;

export class Rate {
  constructor() {
    this.counts = new Array(SECONDS + 1).fill(0);
    this.second = now();
  }

  add(events) {
    this.advance();
    this.counts[this.counts.length - 1] += events;
  }

  perSecond() {
    this.advance();
    const full = this.counts.slice(-1 - MEAN_OVER_SECONDS, -1);
    return full.reduce((sum, events) => sum + events, 0) / MEAN_OVER_SECONDS;
  }

  /** The minute as an SVG path, one bar per second. */
  path(width, height) {
    this.advance();
    const full = this.counts.slice(0, -1);
    const most = Math.max(...full);
    if (!most) return "";
    const step = width / SECONDS;
    return full
      .map((events, index) => (events ? `M${index * step + step / 2} ${height}V${(height - Math.max(1.5, (events / most) * (height - 1))).toFixed(1)}` : ""))
      .join("");
  }

  advance() {
    const passed = Math.min(now() - this.second, this.counts.length);
    if (passed <= 0) return;
    this.counts.splice(0, passed);
    while (this.counts.length <= SECONDS) this.counts.push(0);
    this.second = now();
  }
}

const now = () => Math.floor(performance.now() / 1000);
