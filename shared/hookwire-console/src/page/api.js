/**
 * Requests to the relay. Each is built once as plain data, then either sent or shown as curl, so
 * that a copied command does exactly what the button did.
 */

import { bearer, hasToken } from "./token.js";

const JSON_TYPE = { "Content-Type": "application/json" };

/** Characters that a query may carry bare; topic names read better with them. */
const readable = (text) =>
  encodeURIComponent(text).replaceAll("%2F", "/").replaceAll("%40", "@").replaceAll("%3A", ":");

/** `[name, value]` pairs as a query string. */
export const query = (pairs) => pairs.map(([name, value]) => `${name}=${readable(value)}`).join("&");

/** The stream of `topics` from `start`, which is one `[name, value]` pair or null for live. */
export function stream(topics, start) {
  const pairs = topics.map((topic) => ["topic", topic]);
  if (start) pairs.push(start);
  return `/events?${query(pairs)}`;
}

/** Publishes `body` (JSON text) to `topic`. */
export function publish(topic, type, body) {
  const url = `/topics/${encodeURIComponent(topic)}/events?type=${encodeURIComponent(type)}`;
  return { method: "POST", url, headers: JSON_TYPE, body, proven: true };
}

/** The topic of the sample push, by the default rule `gmail/{emailAddress}`. */
export const SAMPLE_TOPIC = "gmail/user@example.com";

/** A Gmail notification in the envelope that Google's push uses, with a message id of its own. */
export function gmailPush(now = new Date()) {
  const data = { emailAddress: "user@example.com", historyId: String(now.getTime()) };
  const messageId = `${now.getTime()}${String(Math.floor(Math.random() * 1000)).padStart(3, "0")}`;
  const publishTime = now.toISOString();
  const body = JSON.stringify({
    message: {
      data: btoa(JSON.stringify(data)),
      messageId,
      message_id: messageId,
      publishTime,
      publish_time: publishTime,
    },
    subscription: "projects/myproject/subscriptions/mysubscription",
  });
  return { method: "POST", url: "/webhooks/gmail", headers: JSON_TYPE, body };
}

/** Sends a request, with the token if it is `proven`; never throws. `status` is null when no answer came. */
export async function send(request) {
  const begun = performance.now();
  const took = () => performance.now() - begun;
  try {
    const { url, proven, ...options } = request;
    const headers = { ...options.headers, ...(proven && bearer()) };
    const response = await fetch(url, { ...options, headers });
    const text = await response.text();
    const { status, statusText: reason } = response;
    return { status, reason, text, milliseconds: took(), retryAfter: response.headers.get("Retry-After") };
  } catch (error) {
    return { status: null, reason: "No answer", text: error.message, milliseconds: took(), retryAfter: null };
  }
}

/** Whether the relay has keys and nobody has given the page a token. */
export async function lacksToken() {
  if (hasToken()) return false;
  // A cookie that an earlier ticket left would let the page read, and nothing else.
  const { status } = await send({ method: "GET", url: "/topics/demo/events?limit=1", credentials: "omit" });
  return status === 401;
}

/**
 * What an `EventSource` brings in place of the token, which it cannot send: the answer to `POST /tickets`, or null where
 * none is needed or given. The browser's own reconnects bring the cookie that the relay exchanges it for.
 */
export async function ticket() {
  if (!hasToken()) return null;
  const answer = await send({ method: "POST", url: "/tickets", proven: true });
  return answer.status === 409 ? null : answer;
}

/** Whether the relay can serve, in words. */
export async function readiness() {
  const { status, text } = await send({ method: "GET", url: "/readyz", cache: "no-store" });
  if (status === null) return { ready: "no", text: "unreachable" };
  if (status === 200) return { ready: "yes", text: "ready" };
  const reasons = parse(text)?.reasons;
  return { ready: "no", text: Array.isArray(reasons) && reasons.length ? `not ready: ${reasons.join(", ")}` : "not ready" };
}

/** Event types that the history of `topic` contains; none when it cannot be read. */
export async function typesIn(topic) {
  const url = `/topics/${encodeURIComponent(topic)}/events?limit=50`;
  const { status, text } = await send({ method: "GET", url, proven: true });
  const events = status === 200 ? parse(text)?.events : null;
  if (!Array.isArray(events)) return [];
  return [...new Set(events.map((entry) => entry?.event?.type).filter((type) => typeof type === "string"))];
}

/** Parsed JSON, or null. */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** One shell word: nothing is special inside single quotes but the quote itself. */
const shellWord = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A copied command is pasted in many places: the token is not in it, the shell knows it. */
const TOKEN_HEADER = '"Authorization: Bearer $HOOKWIRE_TOKEN"';

/** A request as a curl command for a POSIX shell. */
export function curl(request, origin = location.origin) {
  const words = ["curl", "-i", "-X", request.method, shellWord(origin + request.url)];
  for (const [name, value] of Object.entries(request.headers)) words.push("-H", shellWord(`${name}: ${value}`));
  if (request.proven && hasToken()) words.push("-H", TOKEN_HEADER);
  // Not `--data`: it would read a file for a body that begins with `@`, and drop line breaks.
  words.push("--data-raw", shellWord(request.body));
  return words.join(" ");
}

/** The stream as a curl command; `-N` because curl otherwise holds events back in its buffer. */
export const streamCurl = (url, origin = location.origin) =>
  `curl -N ${hasToken() ? `-H ${TOKEN_HEADER} ` : ""}${shellWord(origin + url)}`;

/** JavaScript that follows the same stream. */
export function streamSnippet(url, types, origin = location.origin) {
  const address = JSON.stringify(origin + url);
  const opened = hasToken()
    ? `// Your backend gets the ticket, with the user's token: POST /tickets.
const stream = new EventSource(${address} + "&ticket=" + ticket, { withCredentials: true });`
    : `const stream = new EventSource(${address});`;
  return `${opened}

// An EventSource hears only the event types it names.
for (const type of ${JSON.stringify(types)}) {
  stream.addEventListener(type, ({ lastEventId, data }) => {
    console.log(type, lastEventId, JSON.parse(data));
  });
}

// Events that the log no longer has: reload the state they would have changed.
stream.addEventListener("hookwire.gap", ({ data }) => console.warn("gap", JSON.parse(data)));
`;
}
