/**
 * The token of whoever looks at a relay that has keys. It is kept for as long as the tab is open, goes into headers
 * only, and never into an address.
 */

import { byId } from "./dom.js";

const KEY = "hookwire.token";

let token = recalled();

/** Whether there is a token. */
export const hasToken = () => Boolean(token);

/** What proves who sends a request; nothing without a token. */
export const bearer = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** Asks for a token, `why` being what the relay said of the one before. */
export function askForToken(why = "") {
  byId("token").hidden = false;
  byId("token-error").textContent = why;
  byId("token-input").setAttribute("aria-invalid", String(Boolean(why)));
  if (!byId("token-dialog").open) byId("token-dialog").showModal();
}

/** Wires the dialog; `onToken()` runs when there is a new token, `onNone()` when the user has closed it without one. */
export function initToken({ onToken, onNone }) {
  let given = false;
  byId("token").hidden = !token;
  byId("token").addEventListener("click", () => askForToken());
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("token-input").value.replace(/^\s*Bearer /i, "").replace(/\s/g, "");
    if (text.split(".").length !== 3) {
      askForToken("A token is three parts with a dot between them.");
      return;
    }
    token = text;
    given = true;
    remember();
    byId("token-dialog").close();
  });
  byId("token-dialog").addEventListener("close", () => {
    byId("token-input").value = "";
    if (given) onToken();
    else onNone();
    given = false;
  });
}

function recalled() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember() {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Blocked: the token then lasts as long as the page.
  }
}
