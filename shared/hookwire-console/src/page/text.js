/** How numbers, times and control events are put into words. */

const COUNT = new Intl.NumberFormat("en");
const TIME = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const count = (number) => COUNT.format(number);
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** Local time of day; with the day in place of the milliseconds when it is not today. */
export function clock(date) {
  const today = date.toDateString() === new Date().toDateString();
  return today ? TIME.format(date) : `${DAY.format(date)} ${CLOCK.format(date)}`;
}

/** A duration, in the unit that keeps it short. */
export function duration(milliseconds) {
  const size = Math.abs(milliseconds);
  const sign = milliseconds < 0 ? "−" : "";
  if (size < 1000) return `${sign}${Math.round(size)} ms`;
  if (size < 60_000) return `${sign}${(size / 1000).toFixed(1)} s`;
  if (size < 3_600_000) return `${sign}${Math.round(size / 60_000)} min`;
  if (size < 48 * 3_600_000) return `${sign}${Math.round(size / 3_600_000)} h`;
  return `${sign}${count(Math.round(size / 86_400_000))} d`;
}

const GAP_REASONS = {
  trimmed: "the log no longer keeps them",
  reset: "the log was emptied",
  rollback: "the log lost its newest events",
  server_changed: "another server keeps the log now",
};

const CLOSING_REASONS = {
  lifetime: "it reached its maximum lifetime. The browser reconnects and resumes.",
  evicted: "a newer stream of the same user took its place.",
  expired: "the token expired.",
  revoked: "the token was revoked.",
  unavailable: "whether it may be served cannot be told now. The browser comes back and resumes.",
  shutdown: "the relay is shutting down. The browser reconnects and resumes.",
  slow: "this client did not read for too long. The browser reconnects and resumes.",
};

/** What a control event says: a tone for its colour, a label and a sentence. */
export function control(type, data) {
  const topic = data.topic ? ` in ${data.topic}` : "";
  switch (type) {
    case "hookwire.gap":
      return { tone: "warn", label: "Gap", text: gap(data, topic) };
    case "hookwire.degraded":
      return { tone: "warn", label: "Degraded", text: `Delivery${topic} may be late.` };
    case "hookwire.recovered":
      return { tone: "good", label: "Recovered", text: `Delivery${topic} is prompt again.` };
    default: {
      const why = CLOSING_REASONS[data.reason] ?? `${data.reason ?? "no reason given"}.`;
      return { tone: "plain", label: "Closing", text: `The relay ends this stream: ${why}` };
    }
  }
}

function gap(data, topic) {
  const known = Number.isFinite(data.missed);
  const why = GAP_REASONS[data.reason] ?? data.reason ?? "no reason given";
  let what = known ? `${plural(data.missed, "event")}${topic} missed` : `Events${topic} missed, how many is unknown`;
  if (data.certain === false) {
    what = known ? `${plural(data.missed, "event")}${topic} may be missing` : `Events${topic} may be missing`;
  }
  return `${what}: ${why}.`;
}
