/** Wires the page: what is followed, what arrives, what is counted, and the keyboard. */

import { readView, startPair, writeView } from "./address.js";
import { lacksToken, readiness, stream, streamCurl, streamSnippet, typesIn } from "./api.js";
import { Chips } from "./chips.js";
import { announce, build, byId, copy } from "./dom.js";
import { initShortcuts } from "./keyboard.js";
import { EventList } from "./list.js";
import { Rate } from "./rate.js";
import { Sender } from "./send.js";
import { StartPicker } from "./start.js";
import { CONTROL_TYPES, Follower } from "./stream.js";
import { control, count, plural } from "./text.js";
import { initTheme } from "./theme.js";
import { askForToken, hasToken, initToken } from "./token.js";

const MAX_TOPICS = 32;
const MAX_TYPES = 100;
const READY_POLL_MS = 5000;

/** Longest wait for the event types of a topic before its replay begins without them. */
const LEARN_TIMEOUT_MS = 2000;

/** Heard from the start: what the default sources send, and events without a type of their own. */
const DEFAULT_TYPES = ["gmail.history", "pubsub.message", "message"];

const STATES = {
  idle: "No topics", connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", closed: "Closed",
};

let view = readView();
let events = 0;
let turn = 0;
const hues = new Map();

/** Types that the page found by itself; the next load finds them again, so no link carries them. */
const foundTypes = new Set(DEFAULT_TYPES);
const rate = new Rate();

const list = new EventList({ hue: hueOf });

const follower = new Follower({
  onEvent({ type, cursor, raw, event }) {
    events += 1;
    rate.add(1);
    const receivedAt = Date.now();
    const time = Date.parse(event?.time);
    list.push({ kind: "event", type, cursor, raw, event, receivedAt, sentAt: Number.isNaN(time) ? null : time });
  },
  onControl(type, data, raw) {
    const words = control(type, data);
    list.push({ kind: "notice", receivedAt: Date.now(), raw, ...words });
    announce(`${words.label}. ${words.text}`);
  },
  onNotice(words) {
    list.push({ kind: "notice", receivedAt: Date.now(), raw: null, ...words });
  },
  onState: showState,
  // Who has chosen to go on without one is not asked again and again.
  onTokenWanted: (why) => hasToken() && askForToken(why),
});

const topics = new Chips({
  ids: { list: "topics", form: "topic-form", input: "topic-input", error: "topic-error" },
  noun: "topic", removeVerb: "Unfollow", max: MAX_TOPICS, decorate: hueOf,
  onChange(items, added) {
    view.topics = items;
    writeView(view);
    // With fewer topics nothing has to be read again: the stream of the others goes on live.
    const goesOn = added.length === 0 && follower.isOpen();
    begin(added, goesOn ? null : startPair(view.start), { keep: true });
    showTopics();
  },
});

const types = new Chips({
  ids: { list: "types", form: "type-form", input: "type-input", error: "type-error" },
  noun: "type", removeVerb: "Stop listening to", max: MAX_TYPES,
  onChange(items) {
    view.types = items.filter((type) => !foundTypes.has(type));
    writeView(view);
    showTypes();
  },
});

const startPicker = new StartPicker({
  onChange(start) {
    view.start = start;
    startOver();
  },
});

const sender = new Sender({
  isFollowed: (topic) => view.topics.includes(topic),
  follow: (topic) => topics.add([topic]),
  hear,
});

/** One of eight colours, in the order in which topics appear. */
function hueOf(topic) {
  if (!hues.has(topic)) hues.set(topic, `hue-${hues.size % 8}`);
  return hues.get(topic);
}

function hear(type) {
  if (!type || CONTROL_TYPES.includes(type) || types.items.includes(type)) return;
  foundTypes.add(type);
  types.add([type]);
}

async function learnTypes(added) {
  // One after the other: a browser opens six connections to a relay without HTTP/2.
  for (const topic of added) for (const type of await typesIn(topic)) hear(type);
}

/** Follows `view.topics`; a replay waits for their types, or it would pass unheard. */
async function begin(added, pair, options) {
  const mine = ++turn;
  const learnt = learnTypes(added);
  if (pair) await Promise.race([learnt, new Promise((resolve) => setTimeout(resolve, LEARN_TIMEOUT_MS))]);
  if (mine === turn) follower.follow(view.topics, pair, options);
}

/** Starts over with what `view` says. */
function startOver() {
  topics.set(view.topics);
  types.set([...new Set([...foundTypes, ...view.types])]);
  startPicker.set(view.start);
  showTypes();
  showTopics();
  list.clear();
  hear(byId("publish-type").value.trim());
  writeView(view);
  // What is open belongs to the view before; nothing of it may reach the new list.
  follower.follow([], null, { keep: false });
  if (view.topics.length) showState("connecting");
  begin(view.topics, startPair(view.start), { keep: false });
}

function showState(state) {
  const changed = byId("state").dataset.state !== state;
  byId("state").dataset.state = state;
  byId("state-text").textContent = STATES[state];
  byId("reconnect").hidden = state !== "closed";
  byId("count-reconnects").textContent = count(follower.reconnects);
  if (changed) announce(`Stream: ${STATES[state]}`);
  showEmpty();
}

function showTopics() {
  byId("publish-topics").replaceChildren(...view.topics.map((topic) => build("option", { value: topic })));
  showEmpty();
}

function showTypes() {
  follower.listen(types.items);
  byId("types-summary").textContent = `${plural(types.items.length, "type")}: ${types.items.join(", ")}`;
}

function showEmpty({ rows, records } = { rows: byId("rows").childElementCount, records: list.records.length }) {
  const state = byId("state").dataset.state;
  byId("empty").hidden = rows > 0;
  if (rows > 0) return;
  const filtered = records > 0;
  const words = filtered
    ? ["No event matches the filter", "Clear the filter to see all that is kept."]
    : {
        idle: ["No topic is followed", "Add one above, for example demo."],
        connecting: ["Connecting", "Opening the stream."],
        closed: ["The stream is closed", "Reconnect, or change what is followed."],
      }[state] ?? ["Waiting for events", "What reaches a followed topic appears here a moment later."];
  [byId("empty-title").textContent, byId("empty-text").textContent] = words;
  byId("empty-sample").hidden = filtered || state !== "live";
}

list.onLabel = (counts) => {
  showEmpty(counts);
  byId("count-events").textContent = count(events);
};

function showRate() {
  const perSecond = rate.perSecond();
  byId("count-rate").textContent = perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond));
  byId("spark-bars").setAttribute("d", rate.path(60, 16));
}
setInterval(showRate, 1000);

async function showReadiness() {
  if (document.hidden) return;
  const { ready, text } = await readiness();
  const changed = byId("ready").dataset.ready !== ready;
  byId("ready").dataset.ready = ready;
  byId("ready").textContent = text;
  byId("ready").title = text;
  if (changed && ready === "no") announce(`Relay ${text}`);
}
setInterval(showReadiness, READY_POLL_MS);
document.addEventListener("visibilitychange", showReadiness);

const streamUrl = () => stream(view.topics, startPair(view.start));

byId("copy-curl").addEventListener("click", ({ currentTarget }) => copy(streamCurl(streamUrl()), currentTarget));
byId("copy-snippet").addEventListener("click", ({ currentTarget }) => copy(streamSnippet(streamUrl(), types.items), currentTarget));
byId("copy-link").addEventListener("click", ({ currentTarget }) => copy(location.href, currentTarget));
byId("reconnect").addEventListener("click", () => follower.reconnect());
byId("filter").addEventListener("input", ({ target }) => list.setFilter(target.value));
byId("pause").addEventListener("click", () => {
  const paused = !list.paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  list.setPaused(paused);
  announce(paused ? "List paused; events are still counted" : "List resumed");
});
byId("clear").addEventListener("click", () => {
  list.clear();
  announce("List cleared");
});
byId("help").addEventListener("click", () => byId("help-dialog").showModal());

// A link to `#…` would replace the view, which lives in the hash.
document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault();
  byId(event.currentTarget.dataset.skip).focus();
});

window.addEventListener("hashchange", () => {
  view = readView();
  startOver();
});

initShortcuts({
  "?": () => byId("help-dialog").showModal(),
  "/": () => byId("filter").select(),
  t: () => byId("topic-input").select(),
  n: () => byId("publish-body").focus(),
  s: () => sender.sample(),
  d: () => sender.again(),
  p: () => byId("pause").click(),
  c: () => byId("clear").click(),
  j: () => list.step(1),
  k: () => list.step(-1),
  m: () => byId("theme").click(),
  r: () => byId("state").dataset.state === "closed" && follower.reconnect(),
});

/** Starts with a token where the relay wants one; without it too if the user has none, who may have a cookie. */
async function start() {
  if (await lacksToken()) askForToken();
  else startOver();
}

initTheme();
initToken({ onToken: startOver, onNone: () => turn === 0 && startOver() });
start();
showRate();
showReadiness();
