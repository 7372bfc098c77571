/**
 * Follows a stream with Chromium's own `EventSource`, which reconnects by itself.
 *
 *     node browser.mjs [--page ADDRESS] URL TYPE… < /dev/tty
 *
 * `--page` is the page that follows. Without it, it is one of the relay's own; a page of another origin sends
 * credentials.
 */

import { parseArgs } from "node:util";
import { chromium } from "./chromium.mjs";
import { report } from "./report.mjs";

const { values, positionals } = parseArgs({ options: { page: { type: "string" } }, allowPositionals: true });
const [url, ...types] = positionals;
const address = values.page ?? new URL("/healthz", url).href;

const browser = await chromium();
const page = await browser.newPage();
await page.goto(address);
await page.exposeFunction("report", report);
await page.evaluate(follow, url, types, new URL(address).origin !== new URL(url).origin);

/** Runs in the page. */
function follow(url, types, withCredentials) {
  const source = new EventSource(url, { withCredentials });
  source.onopen = () => report({ opened: true });
  source.onerror = () => report({ failed: "cut", final: source.readyState === EventSource.CLOSED });
  for (const type of types) {
    source.addEventListener(type, ({ lastEventId, data }) => report({ event: { type, id: lastEventId, data } }));
  }
}
