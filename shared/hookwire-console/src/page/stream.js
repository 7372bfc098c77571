/** Follows topics over one `EventSource`, replaced without loss when the set of topics changes. */

import { parse, stream, ticket } from "./api.js";
import { bearer } from "./token.js";

export const CONTROL_TYPES = ["hookwire.gap", "hookwire.degraded", "hookwire.recovered", "hookwire.closing"];

/**
 * How long the old stream stays open after the new one has answered. The new one starts at the
 * tail of that moment; an event appended just before may still be on its way on the old one.
 */
const OVERLAP_MS = 1500;

/** Events remembered so that the copy on a second stream is recognised. */
const REMEMBERED_EVENTS = 10_000;

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;

export class Follower {
  /**
   * `onEvent({type, cursor, raw, event})`, `onControl(type, data, raw)`, `onNotice({tone, label,
   * text})`, `onState(state)`, one of idle, connecting, live, reconnecting, closed, and
   * `onTokenWanted(why)`.
   */
  constructor(hooks) {
    Object.assign(this, hooks, { topics: [], types: new Set(), current: null, retiring: null });
    this.lineageOf = new Map();
    this.reconnects = 0;
    this.attempt = 0;
  }

  /**
   * Follows `topics` from `start` (a query pair, null for live). With `keep`, events between the
   * old stream and the new are neither lost nor shown twice: both stay open for a moment. A cursor
   * cannot do that, since the one of a stream over other topics names other logs.
   */
  follow(topics, start, { keep }) {
    clearTimeout(this.retryTimer);
    this.attempt = 0;
    this.topics = topics;
    const previous = this.current;
    if (!keep) this.lineageOf.clear();
    if (previous?.opened && keep && topics.length) {
      this.retiring?.source.close();
      this.retiring = previous;
    } else {
      previous?.source?.close();
    }
    if (!topics.length || !keep) this.retire();
    if (!topics.length) {
      this.current = null;
      this.onState("idle");
      return;
    }
    this.connect(stream(topics, start), {});
  }

  /** Sets the event types to hear. Open streams take them up at once. */
  listen(types) {
    const wanted = new Set(types);
    for (const connection of [this.current, this.retiring]) {
      if (!connection?.source) continue;
      for (const type of this.types) if (!wanted.has(type)) connection.source.removeEventListener(type, connection.hear);
      for (const type of wanted) connection.source.addEventListener(type, connection.hear);
    }
    this.types = wanted;
  }

  /** Whether the relay has answered the stream that is followed now. */
  isOpen() {
    return Boolean(this.current?.opened);
  }

  /** Opens a closed stream again, from where it stopped. */
  reconnect() {
    clearTimeout(this.retryTimer);
    const last = this.current;
    if (!last) return;
    last.source?.close();
    const url = last.cursor ? stream(this.topics, ["lastEventId", last.cursor]) : last.url;
    this.connect(url, last);
  }

  async connect(url, { lineage = {}, cursor = null, lostAt = null }) {
    const connection = { url, lineage, cursor, lostAt, opened: false, closing: null, source: null };
    this.current = connection;
    this.onState(lostAt ? "reconnecting" : "connecting");
    const answer = await ticket();
    if (connection !== this.current) return;
    if (answer && answer.status !== 200) {
      this.refused(connection, verdict(answer));
      return;
    }
    connection.source = new EventSource(answer ? `${url}&ticket=${parse(answer.text).ticket}` : url);
    connection.hear = (message) => this.heard(connection, message);
    for (const type of this.types) connection.source.addEventListener(type, connection.hear);
    for (const type of CONTROL_TYPES) {
      connection.source.addEventListener(type, (message) => this.controlled(connection, message));
    }
    // An event that the relay sends with the type `open` or `error` arrives here too, with data.
    connection.source.addEventListener("open", ({ data }) => data === undefined && this.opened(connection));
    connection.source.addEventListener("error", ({ data }) => data === undefined && this.failed(connection));
  }

  heard(connection, message) {
    // The browser's own `open` or `error`, where that is also a type to hear.
    if (message.data === undefined) return;
    const event = parse(message.data);
    if (connection === this.current) connection.cursor = message.lastEventId;
    else if (!this.topics.includes(event?.subject)) return;
    if (this.isCopy(connection, event)) return;
    this.onEvent({ type: message.type, cursor: message.lastEventId, raw: message.data, event });
  }

  /**
   * Whether another stream has already brought this event. The same stream bringing it twice is
   * not hidden: that would be a fault of the relay, and this page is where one looks for those.
   */
  isCopy(connection, event) {
    if (!event?.id) return false;
    const key = JSON.stringify([event.subject, event.source, event.id, event.time]);
    const lineage = this.lineageOf.get(key);
    if (lineage) return lineage !== connection.lineage;
    this.lineageOf.set(key, connection.lineage);
    if (this.lineageOf.size > REMEMBERED_EVENTS) this.lineageOf.delete(this.lineageOf.keys().next().value);
    return false;
  }

  controlled(connection, message) {
    if (connection !== this.current) return;
    if (message.lastEventId) connection.cursor = message.lastEventId;
    const data = parse(message.data) ?? {};
    if (message.type === "hookwire.closing") connection.closing = data.reason;
    this.onControl(message.type, data, message.data);
  }

  opened(connection) {
    if (connection !== this.current) return;
    this.attempt = 0;
    if (connection.lostAt) {
      this.reconnects += 1;
      const seconds = ((Date.now() - connection.lostAt) / 1000).toFixed(1);
      const from = connection.cursor ? `, resumed from ${short(connection.cursor)}` : "";
      this.onNotice({ tone: "good", label: "Connected", text: `Again after ${seconds} s${from}.` });
    }
    Object.assign(connection, { opened: true, lostAt: null, closing: null });
    const replaced = this.retiring;
    if (replaced) setTimeout(() => replaced === this.retiring && this.retire(), OVERLAP_MS);
    this.onState("live");
  }

  failed(connection) {
    // A retiring stream may reconnect: it then brings what the outage held back.
    if (connection !== this.current) return;
    // One line per outage, however many attempts the browser makes.
    if (!connection.lostAt) {
      connection.lostAt = Date.now();
      // After `hookwire.closing` the end is announced already.
      if (connection.opened && !connection.closing) this.onNotice({ tone: "plain", label: "Connection lost", text: "The browser tries to resume." });
    }
    if (connection.source.readyState === EventSource.CLOSED) this.ended(connection);
    else this.onState("reconnecting");
  }

  /**
   * The browser has given up, which it does after any answer but 200, and does not tell which.
   * Asks again to learn it, and comes back by itself where time cures.
   */
  async ended(connection) {
    this.retire();
    if (connection.closing === "evicted") {
      // Coming back by itself would evict the other stream, which would do the same.
      this.closed("Another stream of the same user took its place. Reconnect to take it back.");
      return;
    }
    this.onState("reconnecting");
    const refusal = await this.refusal(connection);
    if (connection === this.current) this.refused(connection, refusal);
  }

  /** Ends where trying again cannot help, or tries again after a while. */
  refused(connection, refusal) {
    if (refusal.final) {
      this.closed(refusal.text);
      if (refusal.status === 401) this.onTokenWanted(refusal.text);
      return;
    }
    connection.lostAt ??= Date.now();
    this.onState("reconnecting");
    const backoff = Math.min(RETRY_FIRST_MS * 2 ** this.attempt, RETRY_MAX_MS) * (0.5 + Math.random() / 2);
    this.attempt += 1;
    this.retryTimer = setTimeout(() => this.reconnect(), refusal.retryAfterMs ?? backoff);
  }

  async refusal({ url, cursor }) {
    const abort = new AbortController();
    try {
      const headers = { Accept: "text/event-stream", ...(cursor && { "Last-Event-ID": cursor }), ...bearer() };
      const response = await fetch(url, { headers, cache: "no-store", signal: abort.signal });
      const { status, statusText: reason } = response;
      // A stream has no end, and is not to be read here.
      const text = status === 200 ? "" : await response.text();
      return verdict({ status, reason, text, retryAfter: response.headers.get("Retry-After") });
    } catch {
      return verdict({ status: null });
    } finally {
      // Or else a 200 would stay open as a stream that nobody reads.
      abort.abort();
    }
  }

  closed(text) {
    this.onNotice({ tone: "bad", label: "Closed", text });
    this.onState("closed");
  }

  retire() {
    this.retiring?.source.close();
    this.retiring = null;
  }
}

/** What an answer that brought no stream means: whether it is `final`, and why; else when to try again, if it says so. */
function verdict({ status, reason, text, retryAfter }) {
  if (status === 204) return { final: true, status, text: "The relay says this stream is finished (204)." };
  const seconds = Number(retryAfter);
  const retryAfterMs = seconds > 0 ? Math.min(seconds * 1000, RETRY_MAX_MS) : null;
  if (status === null || status === 200 || status === 429 || status >= 500) return { final: false, status, retryAfterMs };
  const problem = parse(text);
  return { final: true, status, text: `${status}: ${problem?.detail ?? problem?.title ?? reason}` };
}

/** A cursor over many topics is long; its beginning is enough to recognise it. */
const short = (cursor) => (cursor.length > 24 ? `${cursor.slice(0, 24)}…` : cursor);
