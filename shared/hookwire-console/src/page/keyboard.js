/** Single-key shortcuts, silent while one types or a dialog is open. */

import { byId, recall, remember } from "./dom.js";

/** Calls `actions[key]` when that key alone is pressed. */
export function initShortcuts(actions) {
  // They can be switched off, for those whose speech or switch input sends stray keys. Help stays.
  const enabled = byId("shortcuts-on");
  enabled.checked = recall("shortcuts") !== "off";
  enabled.addEventListener("change", () => remember("shortcuts", enabled.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const field = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    if (field) {
      if (event.key === "Escape") field.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "?" && !enabled.checked) return;
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  });
}
