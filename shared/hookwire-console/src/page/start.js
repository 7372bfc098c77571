/** Chooses where the stream starts: live, the oldest event kept, the last N, or since a time. */

import { byId } from "./dom.js";

/** The kinds that take a value, and how it is asked for. */
const VALUES = {
  last_n: { value: "20", label: "How many events", type: "number", hint: "20" },
  since: { value: "10m", label: "How long ago, or an RFC 3339 time", type: "text", hint: "10m or 2025-01-31T09:00:00Z" },
};

export class StartPicker {
  /** `onChange({kind, value})` runs when the user has chosen. */
  constructor({ onChange }) {
    this.onChange = onChange;
    this.kind = byId("start-kind");
    this.value = byId("start-value");
    this.kind.addEventListener("change", () => {
      this.ask("");
      if (VALUES[this.kind.value]) this.value.select();
      else this.apply();
    });
    byId("start-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
  }

  /** Shows a choice without calling `onChange`. */
  set({ kind, value }) {
    this.kind.value = kind;
    this.ask(value);
  }

  ask(value) {
    const shape = VALUES[this.kind.value];
    this.value.hidden = !shape;
    byId("start-apply").hidden = !shape;
    // A hidden field that is required would silently block the form.
    this.value.required = Boolean(shape);
    if (!shape) return;
    this.value.type = shape.type;
    this.value.min = shape.type === "number" ? "1" : "";
    this.value.setAttribute("aria-label", shape.label);
    this.value.placeholder = shape.hint;
    this.value.title = `${shape.label}, for example ${shape.hint}`;
    this.value.value = value || shape.value;
  }

  apply() {
    const kind = this.kind.value;
    this.onChange({ kind, value: VALUES[kind] ? this.value.value.trim() : "" });
  }
}
