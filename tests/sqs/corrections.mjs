// Where fauxqs is not like SQS and a test would notice. It changes what the package does not export, so the two fit
// together only in the version that is pinned.
import { AsyncLocalStorage } from "node:async_hooks";
import { SqsQueue, SqsStore } from "./node_modules/fauxqs/dist/sqs/sqsStore.js";
import { INVALID_MESSAGE_BODY_CHAR } from "./node_modules/fauxqs/dist/sqs/sqsTypes.js";

const answers = new AsyncLocalStorage();
const { getAllAttributes, inspectMessages, waitForMessages } = SqsQueue.prototype;

/** Lets a queue know the answer that a long poll waits to give. */
export function whoIsAnswered(_request, reply, next) {
  answers.run(reply.raw, next);
}

// A queue is known by the path of its URL, whatever host leads there. fauxqs compares whole URLs and makes them
// with a host that only its own DNS knows.
SqsStore.prototype.buildQueueUrl = (name, _port, host) => `http://${host}/000000000000/${name}`;
SqsStore.prototype.getQueue = function (url) {
  return this.getQueueByName(/^https?:\/\/[^/]+\/000000000000\/([^/]+)$/.exec(url)?.[1]);
};

// SQS takes all of Unicode but most control characters. fauxqs looks at UTF-16 and refuses what lies beyond U+FFFF,
// such as emoji.
const refused = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
INVALID_MESSAGE_BODY_CHAR.test = (body) => refused.test(body);

// A message whose delay or visibility timeout is over counts as visible, also when nobody has received since.
SqsQueue.prototype.getAllAttributes = function (names) {
  this.processTimers();
  return getAllAttributes.call(this, names);
};

// What a queue shows of itself besides: how many long polls wait for it.
SqsQueue.prototype.inspectMessages = function () {
  this.processTimers();
  return { ...inspectMessages.call(this), polls: this.pollWaiters.length };
};

// A long poll whose connection is gone receives nothing. fauxqs would hand it the next messages, which were then
// missing for a whole visibility timeout.
SqsQueue.prototype.waitForMessages = function (seconds) {
  const woken = waitForMessages.call(this, seconds);
  const waiter = this.pollWaiters.at(-1);
  answers.getStore().once("close", () => {
    const place = this.pollWaiters.indexOf(waiter);
    if (place === -1) return;
    clearTimeout(waiter.timer);
    this.pollWaiters.splice(place, 1);
    this.stopPollTimerIfEmpty();
  });
  return woken;
};

// A message ends one long poll. fauxqs wakes all of them, and those that come too late answer with nothing before
// their time is over. What is woken here receives before anything else happens, and with that asks for the next one.
SqsQueue.prototype.notifyWaiters = function () {
  if (this.waking || this.pollWaiters.length === 0) return;
  this.waking = setImmediate(() => {
    this.waking = undefined;
    const waiting = this.isFifo() ? this.hasAvailableFifoMessages() : this.messages.length > 0;
    const waiter = waiting ? this.pollWaiters.shift() : undefined;
    if (!waiter) return;
    clearTimeout(waiter.timer);
    waiter.resolve();
  });
};
