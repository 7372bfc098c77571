/**
 * The view in the address bar: `#topic=demo&topic=gmail/user@example.com&last_n=20`, spelled like
 * the query of the stream itself, so that a link can be shared and a reload keeps what is followed.
 */

import { query } from "./api.js";

const FIRST_TOPICS = ["demo", "gmail/user@example.com"];

/**
 * Reads the view from the address: `topics`, `types` that the user named, and `start`. Without
 * one it is the view of a newcomer.
 */
export function readView(hash = location.hash) {
  const pairs = new URLSearchParams(hash.replace(/^#/, ""));
  const topics = pairs.has("topic") ? unique(pairs.getAll("topic")) : FIRST_TOPICS;
  return { topics, types: unique(pairs.getAll("type")), start: readStart(pairs) };
}

/** Writes the view to the address without a new entry in the browser's history. */
export function writeView({ topics, types, start }) {
  const hash = `#${viewQuery({ topics, types, start })}`;
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

/** `start` as the pair that the stream's query takes; null is live. */
export function startPair({ kind, value }) {
  if (kind === "live") return null;
  return kind === "earliest" ? ["lastEventId", "earliest"] : [kind, value];
}

function viewQuery({ topics, types, start }) {
  // An empty topic says "none", or else the next load would be a newcomer's.
  const pairs = (topics.length ? topics : [""]).map((topic) => ["topic", topic]);
  const pair = startPair(start);
  if (pair) pairs.push(pair);
  return query([...pairs, ...types.map((type) => ["type", type])]);
}

function readStart(pairs) {
  if (pairs.get("lastEventId") === "earliest") return { kind: "earliest", value: "" };
  for (const kind of ["last_n", "since"]) {
    if (pairs.get(kind)) return { kind, value: pairs.get(kind) };
  }
  return { kind: "live", value: "" };
}

const unique = (list) => [...new Set(list.map((item) => item.trim()).filter(Boolean))];
