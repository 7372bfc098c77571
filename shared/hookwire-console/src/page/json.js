/**
 * Indents and colours JSON from its text, not from the parsed value: `JSON.parse` would round a
 * 64-bit `historyId`, and the console must show what was sent.
 */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Above this, colour costs more elements than reading it is worth. */
const COLOUR_LIMIT_CHARS = 64 * 1024;

/** `text` indented by two spaces, or unchanged when it is not JSON. */
export function tidy(text) {
  return isJson(text) ? pieces(text).map((piece) => piece.text).join("") : text;
}

/** A `<pre>` with `text` indented and coloured. */
export function jsonBlock(text) {
  const block = document.createElement("pre");
  block.className = "json";
  block.tabIndex = 0;
  if (text.length > COLOUR_LIMIT_CHARS || !isJson(text)) {
    block.textContent = tidy(text);
    return block;
  }
  for (const { kind, text: part } of pieces(text)) {
    if (!kind) {
      block.append(part);
      continue;
    }
    const span = document.createElement("span");
    span.className = `json-${kind}`;
    span.textContent = part;
    block.append(span);
  }
  return block;
}

/** The text of member `name` of the object in `text`, from its start up to `limit` characters. */
export function memberText(text, name, limit) {
  const quoted = JSON.stringify(name);
  let depth = 0;
  let start = null;
  let isKey = false;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const ends = depth === 1 && (token === "," || token === "}");
    if (start !== null && (ends || index - start > limit)) return text.slice(start, Math.min(index, start + limit)).trim();
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    if (start !== null || depth !== 1) continue;
    if (token === ":" && isKey) start = index + 1;
    isKey = token === quoted;
  }
  return "";
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function pieces(text) {
  const tokens = text.match(TOKEN) ?? [];
  const out = [];
  let depth = 0;
  const newline = () => out.push({ text: `\n${"  ".repeat(depth)}` });
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      out.push({ text: token });
      depth += 1;
      if (next !== "}" && next !== "]") newline();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const previous = tokens[index - 1];
      if (previous !== "{" && previous !== "[") newline();
      out.push({ text: token });
    } else if (token === ",") {
      out.push({ text: "," });
      newline();
    } else if (token === ":") {
      out.push({ text: ": " });
    } else {
      out.push({ kind: kindOf(token, next), text: token });
    }
  });
  return out;
}

function kindOf(token, next) {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return token === "true" || token === "false" || token === "null" ? "literal" : "number";
}
