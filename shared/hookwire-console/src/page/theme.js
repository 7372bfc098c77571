/** Light or dark: the system's choice until the user makes one, which is remembered. */

import { byId, recall, remember } from "./dom.js";

const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const current = () => root.dataset.theme ?? (systemDark.matches ? "dark" : "light");
const other = () => (current() === "dark" ? "light" : "dark");
const label = () => byId("theme").setAttribute("aria-label", `Use the ${other()} theme`);

/** Applies the remembered theme and makes the button switch it. */
export function initTheme() {
  const remembered = recall("theme");
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;
  label();
  systemDark.addEventListener("change", label);
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = other();
    remember("theme", root.dataset.theme);
    label();
  });
}
