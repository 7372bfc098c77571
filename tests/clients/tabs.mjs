/**
 * Drives pages in Chromium: takes one command per line of input, answers each with one line.
 *
 *     {"open": ADDRESS}                      opens a tab → {"tab": 0}
 *     {"tab": 0, "click": SELECTOR}          → {}
 *     {"tab": 0, "fill": SELECTOR, "with": TEXT}
 *     {"tab": 0, "await": SELECTOR, "text": TEXT, "count": N}
 *         waits until exactly N elements that match contain the text → {"texts": […]}
 *     {"tab": 0, "complaints": true}         what the browser complained about so far → {"complaints": […]}
 *     {"tab": 0, "addresses": true}          all that it has asked for so far → {"addresses": […]}
 *     {"tab": 0, "screenshot": FILE}
 */

import { createInterface } from "node:readline";
import { chromium } from "./chromium.mjs";
import { report } from "./report.mjs";

/** Longest wait for what is awaited; shorter than the tests' own, so that the answer can say what is there. */
const PATIENCE_MS = 40_000;

const browser = await chromium();
const tabs = [];

// One after the other, but read at once: the end of the input must be noticed while a command waits.
let done = Promise.resolve();
createInterface({ input: process.stdin }).on("line", (line) => {
  done = done.then(() => answer(JSON.parse(line)));
});

async function answer(command) {
  try {
    report((command.open ? await open(command.open) : await act(tabs[command.tab], command)) ?? {});
  } catch (error) {
    report({ error: error.message });
  }
}

async function open(address) {
  const page = await browser.newPage();
  const complaints = [];
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  await page.exposeFunction("complain", (text) => complaints.push(text));
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (violation) => {
      complain(`content policy: ${violation.violatedDirective} ${violation.blockedURI}`);
    });
  });
  await page.goto(address);
  tabs.push({ page, complaints, addresses });
  return { tab: tabs.length - 1 };
}

async function act({ page, complaints, addresses }, command) {
  // What a hidden tab does not draw is no fault of it.
  await page.bringToFront();
  if (command.click) return page.click(command.click);
  if (command.fill) {
    await page.$eval(command.fill, (field) => field.select());
    return page.type(command.fill, command.with);
  }
  if (command.await) return { texts: await page.evaluate(matching, command, PATIENCE_MS) };
  if (command.screenshot) await page.screenshot({ path: command.screenshot });
  return command.addresses ? { addresses } : { complaints };
}

/** Runs in the page: resolves as soon as the page shows what is awaited. */
function matching({ await: selector, text, count }, patienceMs) {
  const texts = () => [...document.querySelectorAll(selector)].map((element) => element.textContent);
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = texts().filter((shown) => shown.includes(text));
      if (found.length !== count) return;
      observer.disconnect();
      resolve(found);
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    setTimeout(() => reject(new Error(`${count} × "${text}" awaited at ${selector}, which shows ${JSON.stringify(texts())}`)), patienceMs);
    look();
  });
}
