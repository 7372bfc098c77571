/** Starts Chromium with an empty profile, which is removed when it is closed. */

import puppeteer from "puppeteer-core";
import { atEndOfInput } from "./report.mjs";

/** Longest wait for the browser's first answer; a busy machine with two cores takes its time. */
const START_TIMEOUT_MS = 60_000;

/** What every browser needs to run as root, without a screen and without calls of its own to anywhere. */
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** A browser that ends with this program. */
export async function chromium() {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ARGUMENTS,
    defaultViewport: { width: 1280, height: 800 },
    // Over a pipe and not a socket, so that the browser ends even if this program is killed.
    pipe: true,
    timeout: START_TIMEOUT_MS,
    protocolTimeout: START_TIMEOUT_MS,
  });
  let closed;
  const end = async (error) => {
    closed ??= browser.close();
    await closed;
    if (error) console.error(error);
    process.exit(error ? 1 : 0);
  };
  // Also when nobody reads the reports any more, or else the profile would stay.
  process.on("uncaughtException", end);
  atEndOfInput(() => end());
  return browser;
}
