/** The panel that sends events: a sample Gmail push, and a form to publish anything. */

import { SAMPLE_TOPIC, curl, gmailPush, parse, publish, send } from "./api.js";
import { build, byId, copy } from "./dom.js";
import { jsonBlock, tidy } from "./json.js";
import { duration } from "./text.js";

/** Statuses without a reason phrase of their own on HTTP/2. */
const REASONS = { 200: "OK", 201: "Created", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
  404: "Not Found", 413: "Content Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests", 503: "Service Unavailable" };

export class Sender {
  /** `isFollowed(topic)`, `follow(topic)` and `hear(type)` reach what the page follows. */
  constructor({ isFollowed, follow, hear }) {
    Object.assign(this, { isFollowed, follow, hear, lastPush: null });
    byId("sample-send").addEventListener("click", () => this.sample());
    byId("sample-again").addEventListener("click", () => this.again());
    byId("empty-sample").addEventListener("click", () => this.sample());
    byId("sample-curl").addEventListener("click", ({ currentTarget }) => copy(curl(gmailPush()), currentTarget));

    byId("publish-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.publish();
    });
    byId("publish-form").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.publish();
      }
    });
    for (const id of ["publish-topic", "publish-type", "publish-body"]) {
      byId(id).addEventListener("input", () => refuse(id, ""));
    }
    byId("publish-body").addEventListener("blur", ({ target }) => target.value.trim() && refuse("publish-body", jsonMistake(target.value)));
    byId("publish-tidy").addEventListener("click", () => {
      const body = byId("publish-body");
      refuse("publish-body", jsonMistake(body.value));
      body.value = tidy(body.value);
    });
    byId("publish-curl").addEventListener("click", ({ currentTarget }) => {
      const request = this.request();
      if (request) copy(curl(request), currentTarget);
    });
  }

  sample() {
    this.lastPush = gmailPush();
    byId("sample-again").disabled = false;
    return this.push();
  }

  again() {
    return this.lastPush ? this.push() : this.sample();
  }

  async push() {
    this.hear("gmail.history");
    this.show("sample-response", await send(this.lastPush), SAMPLE_TOPIC);
  }

  async publish() {
    const request = this.request();
    if (request) this.show("publish-response", await send(request), byId("publish-topic").value.trim());
  }

  /** The request that the form describes; null, with the mistakes shown, if it describes none. */
  request() {
    const topic = byId("publish-topic").value.trim();
    const type = byId("publish-type").value.trim();
    const body = byId("publish-body").value;
    const mistakes = {
      "publish-topic": topic ? "" : "Name the topic.",
      "publish-type": type ? "" : "Name the event type.",
      "publish-body": jsonMistake(body),
    };
    for (const [id, mistake] of Object.entries(mistakes)) refuse(id, mistake);
    const first = Object.keys(mistakes).find((id) => mistakes[id]);
    if (first) {
      byId(first).focus();
      return null;
    }
    // Heard before it is sent, or the event would pass unheard.
    this.hear(type);
    return publish(topic, type, body);
  }

  show(id, { status, reason, text, milliseconds }, topic) {
    const answer = parse(text);
    const ok = status !== null && status < 300;
    const outcome = typeof answer?.outcome === "string" ? answer.outcome : null;
    const tone = !ok ? "bad" : outcome === "duplicate" || outcome === "quarantined" ? "warn" : "good";
    const head = build(
      "p",
      { class: "response-head" },
      build("strong", {}, status === null ? reason : `${status} ${reason || REASONS[status] || ""}`.trim()),
      outcome ? build("span", { class: "outcome" }, outcome) : "",
      build("span", { class: "took" }, duration(milliseconds)),
    );
    const box = byId(id);
    box.dataset.tone = tone;
    box.replaceChildren(head, text ? jsonBlock(text) : build("p", { class: "hint" }, "Empty body."));
    if (ok && !this.isFollowed(topic)) {
      const button = build("button", { type: "button", class: "link-button" }, `Follow ${topic}`);
      button.addEventListener("click", () => {
        this.follow(topic);
        button.parentElement.remove();
      });
      box.append(build("p", { class: "hint" }, "This topic is not followed. ", button));
    }
  }
}

function jsonMistake(text) {
  if (!text.trim()) return "Write a JSON value, for example {}.";
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return `Not JSON yet: ${error.message}`;
  }
}

function refuse(id, mistake) {
  byId(`${id}-error`).textContent = mistake;
  byId(id).setAttribute("aria-invalid", String(Boolean(mistake)));
}
