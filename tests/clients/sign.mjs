/**
 * Signs webhooks as their senders do, with the senders' own libraries: takes one command per line of input, answers
 * each with one line.
 *
 *     {"scheme": "github", "secret": SECRET, "body": TEXT, "id": ID, "at": SECONDS}  → {"headers": {…}}
 *     {"mode": "binary", "event": {…}}               a CloudEvent, signed by nobody → {"headers": {…}, "body": TEXT}
 *
 * An ed25519 secret is a private key as PKCS#8 in base64.
 */

import { createHmac, createPrivateKey, sign as signWith } from "node:crypto";
import { createInterface } from "node:readline";
import { sign as signAsGitHub } from "@octokit/webhooks-methods";
import { CloudEvent, HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { report } from "./report.mjs";

const json = { "content-type": "application/json" };

const schemes = {
  github: async ({ secret, body, id }) => ({
    ...json,
    "x-github-event": "issues",
    "x-github-delivery": id,
    "x-hub-signature-256": await signAsGitHub(secret, body),
  }),
  stripe: ({ secret, body, at: timestamp }) => ({
    ...json,
    "stripe-signature": new Stripe("sk_test").webhooks.generateTestHeaderString({ payload: body, secret, timestamp }),
  }),
  "standard-webhooks": ({ secret, body, id, at }) => ({
    ...json,
    "webhook-id": id,
    "webhook-timestamp": `${at}`,
    "webhook-signature": new Webhook(secret).sign(id, new Date(at * 1000), body),
  }),
  // The library only has the secrets.
  ed25519: ({ secret, body, id, at }) => {
    const key = createPrivateKey({ key: Buffer.from(secret, "base64"), format: "der", type: "pkcs8" });
    const signature = signWith(null, Buffer.from(`${id}.${at}.${body}`), key).toString("base64");
    return { ...json, "webhook-id": id, "webhook-timestamp": `${at}`, "webhook-signature": `v1a,${signature}` };
  },
  // As the guides of most senders tell, with nothing but Node's own library.
  hmac: ({ secret, body, id, at }) => ({
    ...json,
    "x-request-id": id,
    "x-time": `${at}`,
    authorization: `HMAC ${createHmac("sha512", secret).update(`${at}.${body}`).digest("base64")}`,
  }),
};

async function answer({ scheme, mode, event, ...command }) {
  return mode ? HTTP[mode](new CloudEvent(event)) : { headers: await schemes[scheme](command) };
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  try {
    report(await answer(JSON.parse(line)));
  } catch (error) {
    report({ error: error.message });
  }
});
