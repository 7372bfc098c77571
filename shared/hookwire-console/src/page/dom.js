/** Small helpers over the DOM and the browser's storage. */

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * Builds an element. Strings become text nodes, never markup: what an event carries is untrusted.
 * `on…` attributes are listeners; `false` and `null` leave the attribute out.
 */
export function build(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Says `text` to a screen reader when it is next idle. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Reads a remembered setting, or null. Storage throws where the user has blocked it. */
export function recall(key) {
  try {
    return localStorage.getItem(`hookwire.${key}`);
  } catch {
    return null;
  }
}

/** Remembers a setting if the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(`hookwire.${key}`, value);
  } catch {
    // Blocked or full: the setting then lasts as long as the page.
  }
}

/** Copies `text` and says so on `button` for a moment. */
export async function copy(text, button) {
  if (!(await toClipboard(text))) {
    byId("copy-text").value = text;
    byId("copy-dialog").showModal();
    byId("copy-text").select();
    return;
  }
  announce("Copied");
  button.dataset.copied = "";
  clearTimeout(button.copiedTimer);
  button.copiedTimer = setTimeout(() => delete button.dataset.copied, 1500);
}

async function toClipboard(text) {
  try {
    // Missing on plain http other than loopback, and refused without permission.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
