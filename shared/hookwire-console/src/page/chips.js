/** A list of names with an input that adds to it and a button on each that removes it. */

import { announce, build, byId } from "./dom.js";

export class Chips {
  /**
   * `ids`: of the list, form, input and error line. `noun` as in "32 topics", `removeVerb` as in
   * "Unfollow demo". `onChange(items, added)` runs after the user changed the list. `decorate`
   * may return a class for a chip.
   */
  constructor({ ids, noun, removeVerb, max, onChange, decorate = () => "" }) {
    Object.assign(this, { noun, removeVerb, max, onChange, decorate, items: [] });
    this.list = byId(ids.list);
    this.input = byId(ids.input);
    this.error = byId(ids.error);
    byId(ids.form).addEventListener("submit", (event) => {
      event.preventDefault();
      this.addFromInput();
    });
    this.input.addEventListener("input", () => this.refuse(""));
    this.input.addEventListener("keydown", (event) => {
      // The way back to the chips from an empty input, as mail programs do it.
      if (event.key === "Backspace" && !this.input.value) this.list.lastElementChild?.querySelector("button").focus();
    });
    this.list.addEventListener("keydown", (event) => this.move(event));
  }

  /** Replaces the list without calling `onChange`. */
  set(items) {
    this.items = items.slice(0, this.max);
    this.list.replaceChildren(...this.items.map((item) => this.chip(item)));
  }

  /** Adds names and tells `onChange`, as if the user had. Returns whether all fitted. */
  add(names) {
    const fresh = [...new Set(names)].filter((name) => name && !this.items.includes(name));
    const taken = fresh.slice(0, this.max - this.items.length);
    if (taken.length) {
      this.set([...this.items, ...taken]);
      this.onChange(this.items, taken);
    }
    return taken.length === fresh.length;
  }

  addFromInput() {
    // White space separates, so that a pasted column of names becomes one change.
    const names = this.input.value.split(/\s+/).filter(Boolean);
    if (!names.length) return;
    if (names.every((name) => this.items.includes(name))) {
      this.refuse(`Already in the list: ${names.join(", ")}`);
      return;
    }
    if (!this.add(names)) {
      this.refuse(`At most ${this.max} ${this.noun}s.`);
      return;
    }
    this.input.value = "";
  }

  remove(item) {
    const index = this.items.indexOf(item);
    this.set(this.items.filter((other) => other !== item));
    // The focused button is gone; without this the keyboard would be back at the top of the page.
    (this.list.children[Math.min(index, this.items.length - 1)]?.querySelector("button") ?? this.input).focus();
    announce(`${item} removed`);
    this.onChange(this.items, []);
  }

  refuse(message) {
    this.error.textContent = message;
    this.input.setAttribute("aria-invalid", String(Boolean(message)));
  }

  move(event) {
    const chip = event.target.closest("li");
    const target = { ArrowLeft: chip?.previousElementSibling, ArrowRight: chip?.nextElementSibling }[event.key];
    if (target) target.querySelector("button").focus();
    else if (event.key === "ArrowRight") this.input.focus();
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(chip.dataset.item);
    else return;
    event.preventDefault();
  }

  chip(item) {
    const label = `${this.removeVerb} ${item}`;
    return build(
      "li",
      { class: `chip ${this.decorate(item)}`, "data-item": item },
      build("span", { class: "chip-text", title: item }, item),
      build("button", { type: "button", "aria-label": label, title: label, onclick: () => this.remove(item) }, "×"),
    );
  }
}
