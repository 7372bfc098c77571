/** The list of events, newest first: bounded, drawn in batches, moved through by keyboard. */

import { copy, build, byId } from "./dom.js";
import { jsonBlock, memberText, tidy } from "./json.js";
import { clock, count, duration, plural } from "./text.js";

const KEPT_ROWS = 500;

/** Nobody reads faster than this, and a thousand events a second leave the page responsive. */
const DRAW_INTERVAL_MS = 100;

/** A batch above this is not animated: nothing in it could be followed by eye. */
const ANIMATED_ROWS = 4;

export class EventList {
  /** `hue(topic)` gives the class of a topic's colour. */
  constructor({ hue }) {
    Object.assign(this, { hue, records: [], pending: [], needle: "", paused: false, waiting: 0, unseen: 0, lastDraw: 0, drawAsked: false });
    this.rows = byId("rows");
    this.viewport = byId("viewport");
    this.newer = byId("newer");
    this.rowTemplate = byId("row-template").content.firstElementChild;
    this.noticeTemplate = byId("notice-template").content.firstElementChild;
    this.rows.addEventListener("click", (event) => {
      const head = event.target.closest(".row-head");
      if (head) this.toggle(head.parentElement);
    });
    this.rows.addEventListener("keydown", (event) => this.key(event));
    this.rows.addEventListener("focusin", (event) => {
      const head = event.target.closest(".row")?.querySelector(".row-head");
      if (head) this.makeTabStop(head);
    });
    this.newer.addEventListener("click", () => {
      this.viewport.scrollTop = 0;
      this.rows.querySelector(".row-head")?.focus({ preventScroll: true });
    });
    this.viewport.addEventListener("scroll", () => {
      if (this.viewport.scrollTop < 8 && this.unseen) this.sawNewest();
    }, { passive: true });
  }

  /** Adds `{kind: "event" | "notice", …}`; it is drawn with the next batch. */
  push(record) {
    this.pending.push(record);
    if (record.kind === "event") this.waiting += 1;
    // Neither a hidden tab nor a paused list draws, so what waits is bounded here.
    if (this.pending.length > 2 * KEPT_ROWS) this.pending.splice(0, this.pending.length - KEPT_ROWS);
    this.askToDraw();
  }

  setPaused(paused) {
    this.paused = paused;
    this.draw();
  }

  setFilter(text) {
    this.needle = text.trim().toLowerCase();
    this.redraw();
  }

  clear() {
    this.records = [];
    this.pending = [];
    this.waiting = 0;
    this.sawNewest();
    this.redraw();
  }

  /** Moves the focus by `step` rows; from outside the list it goes to the newest. */
  step(step) {
    const head = document.activeElement?.closest?.("#rows .row")?.querySelector(".row-head");
    const heads = [...this.rows.querySelectorAll(".row-head")];
    const index = head ? heads.indexOf(head) + step : 0;
    heads[Math.max(0, Math.min(index, heads.length - 1))]?.focus();
  }

  askToDraw() {
    if (this.drawAsked) return;
    this.drawAsked = true;
    const wait = DRAW_INTERVAL_MS - (performance.now() - this.lastDraw);
    const ask = () => requestAnimationFrame(() => this.draw());
    if (wait > 0) setTimeout(ask, wait);
    else ask();
  }

  draw() {
    this.drawAsked = false;
    this.lastDraw = performance.now();
    if (this.paused) {
      this.label();
      return;
    }
    const batch = this.pending.slice(-KEPT_ROWS);
    this.pending = [];
    this.waiting = 0;
    this.records.push(...batch);
    const evicted = this.records.splice(0, Math.max(0, this.records.length - KEPT_ROWS));
    const fresh = batch.filter((record) => this.matches(record));
    this.holdPosition(() => {
      for (const record of evicted) this.drop(record.row);
      const fragment = document.createDocumentFragment();
      for (const record of fresh) {
        const row = this.rowOf(record);
        if (record.kind === "event" && fresh.length <= ANIMATED_ROWS) row.classList.add("fresh");
        fragment.prepend(row);
      }
      this.rows.prepend(fragment);
    });
    if (this.viewport.scrollTop >= 8) this.unseen += fresh.length;
    this.label();
  }

  redraw() {
    this.rows.replaceChildren(...this.records.filter((record) => this.matches(record)).map((record) => this.rowOf(record)).reverse());
    this.label();
  }

  /**
   * Keeps what is being read where it is while rows arrive above it. By hand, because scroll
   * anchoring does not act at the very top and not in every browser.
   */
  holdPosition(change) {
    const focused = this.rows.contains(document.activeElement);
    const anchor = focused ? document.activeElement.closest(".row") : this.rows.firstElementChild;
    const before = anchor?.offsetTop;
    const held = focused || this.viewport.scrollTop > 0;
    change();
    if (held && anchor?.isConnected) this.viewport.scrollTop += anchor.offsetTop - before;
    if (focused && !this.rows.contains(document.activeElement)) {
      this.rows.lastElementChild?.querySelector(".row-head").focus({ preventScroll: true });
    } else if (!focused && this.rows.firstElementChild) {
      this.makeTabStop(this.rows.firstElementChild.querySelector(".row-head"));
    }
  }

  drop(row) {
    if (row && this.tabStop && row.contains(this.tabStop)) this.tabStop = null;
    row?.remove();
  }

  /** One stop for the Tab key; arrows move between rows. */
  makeTabStop(head) {
    if (this.tabStop === head) return;
    this.tabStop?.setAttribute("tabindex", "-1");
    head.setAttribute("tabindex", "0");
    this.tabStop = head;
  }

  sawNewest() {
    this.unseen = 0;
    this.label();
  }

  label() {
    const events = this.records.filter((record) => record.kind === "event");
    const matching = this.needle ? events.filter((record) => this.matches(record)).length : events.length;
    const shown = this.needle ? `${count(matching)} of ${plural(events.length, "event")}` : plural(events.length, "event");
    byId("shown").textContent = events.length ? shown : "";
    byId("pause").textContent = this.paused ? (this.waiting ? `Resume (${count(this.waiting)} new)` : "Resume") : "Pause";
    this.newer.hidden = !this.unseen;
    this.newer.textContent = `${count(this.unseen)} newer`;
    this.onLabel?.({ rows: this.rows.childElementCount, records: this.records.length });
  }

  /** Notices always match: a filter must not hide that events are missing. */
  matches(record) {
    if (!this.needle || record.kind === "notice") return true;
    record.haystack ??= `${record.raw} ${record.type} ${record.cursor}`.toLowerCase();
    return record.haystack.includes(this.needle);
  }

  rowOf(record) {
    record.row ??= record.kind === "event" ? this.eventRow(record) : this.noticeRow(record);
    record.row.record = record;
    return record.row;
  }

  eventRow(record) {
    const row = this.rowTemplate.cloneNode(true);
    const [time, type, topic, id, cursor, data, latency] = row.firstElementChild.children;
    const { event } = record;
    time.textContent = clock(new Date(record.sentAt ?? record.receivedAt));
    type.textContent = record.type;
    topic.textContent = event?.subject ?? "";
    if (event?.subject) topic.classList.add(this.hue(event.subject));
    id.textContent = event?.id ?? "";
    cursor.textContent = record.cursor;
    data.textContent = preview(event, record.raw);
    latency.textContent = record.sentAt === null ? "" : duration(record.receivedAt - record.sentAt);
    return row;
  }

  noticeRow(record) {
    const row = this.noticeTemplate.cloneNode(true);
    const [time, label, text] = row.firstElementChild.children;
    row.dataset.tone = record.tone;
    time.textContent = clock(new Date(record.receivedAt));
    label.textContent = record.label;
    text.textContent = record.text;
    if (!record.raw) row.firstElementChild.removeAttribute("aria-expanded");
    return row;
  }

  toggle(row) {
    const { record, firstElementChild: head } = row;
    if (!record.raw) return;
    const open = head.getAttribute("aria-expanded") !== "true";
    head.setAttribute("aria-expanded", String(open));
    if (open) row.append(detail(record));
    else row.lastElementChild.remove();
  }

  key(event) {
    const head = event.target.closest(".row-head");
    if (!head || event.ctrlKey || event.metaKey || event.altKey) return;
    const heads = () => [...this.rows.querySelectorAll(".row-head")];
    const open = head.getAttribute("aria-expanded") === "true";
    if (event.key === "ArrowDown") this.step(1);
    else if (event.key === "ArrowUp") this.step(-1);
    else if (event.key === "Home") heads().at(0).focus();
    else if (event.key === "End") heads().at(-1).focus();
    else if ((event.key === "ArrowRight" && !open) || (event.key === "ArrowLeft" && open)) this.toggle(head.parentElement);
    else return;
    event.preventDefault();
  }
}

const PREVIEW_CHARS = 160;

function preview(event, raw) {
  if (!event) return raw.slice(0, PREVIEW_CHARS);
  if (event.data_base64 !== undefined) return `base64, ${plural(event.data_base64.length, "character")}`;
  if (typeof event.data === "string") return event.data.slice(0, PREVIEW_CHARS);
  return memberText(raw, "data", PREVIEW_CHARS);
}

/** What an opened row shows. */
function detail({ type, cursor, raw, event, sentAt, receivedAt }) {
  const facts = build("dl", { class: "facts" });
  const fact = (name, value, copyable = false) => {
    if (value === undefined || value === null || value === "") return;
    const term = build("dd", {}, build("span", {}, String(value)));
    if (copyable) {
      const button = build("button", { type: "button", class: "link-button", "aria-label": `Copy the ${name.toLowerCase()}` }, "copy");
      button.addEventListener("click", () => copy(String(value), button));
      term.append(button);
    }
    facts.append(build("div", {}, build("dt", {}, name), term));
  };
  if (event?.specversion) {
    fact("Event id", event.id, true);
    fact("Cursor", cursor, true);
    fact("Type", type);
    fact("Topic", event.subject);
    fact("Source", event.source);
    fact("Event time", event.time);
    fact("Received", new Date(receivedAt).toISOString());
    if (sentAt !== null) fact("Latency", duration(receivedAt - sentAt));
    fact("Key", event.partitionkey);
    fact("Trace", event.traceparent);
  }
  const copyJson = build("button", { type: "button", class: "link-button", "aria-label": "Copy the JSON" }, "Copy JSON");
  copyJson.addEventListener("click", () => copy(tidy(raw), copyJson));
  const node = build("div", { class: "detail" }, facts);
  const decoded = event?.data_base64 === undefined ? null : decodedText(event.data_base64);
  if (decoded !== null) node.append(build("p", { class: "block-head" }, "Decoded data_base64"), jsonBlock(decoded));
  node.append(build("div", { class: "block-head" }, "JSON", copyJson), jsonBlock(raw));
  return node;
}

/** The text in base64, or null when it is not text. */
function decodedText(base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
