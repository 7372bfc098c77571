/**
 * Follows a stream with the npm package `eventsource`, which reconnects by itself.
 *
 *     node eventsource.mjs [--package NAME] URL TYPE… < /dev/tty
 *
 * `--package eventsource-3` takes an older major, which heeds an id only in an event with data.
 */

import { parseArgs } from "node:util";
import { atEndOfInput, report } from "./report.mjs";

const options = { package: { type: "string", default: "eventsource" } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const { EventSource } = await import(values.package);

const [url, ...types] = positionals;
const source = new EventSource(url);
source.onopen = () => report({ opened: true });
source.onerror = ({ message = "cut" }) => report({ failed: message, final: source.readyState === EventSource.CLOSED });
for (const type of types) {
  source.addEventListener(type, ({ lastEventId, data }) => report({ event: { type, id: lastEventId, data } }));
}
atEndOfInput(() => process.exit());
