// SQS in memory on 127.0.0.1: node server.mjs [PORT]
//
// Prints its port as one line as soon as it listens. It ends with its standard input, so that it does not outlive
// whoever started it, however that ends.
import { buildApp } from "fauxqs";
import { whoIsAnswered } from "./corrections.mjs";

const [port = "0"] = process.argv.slice(2);
const app = buildApp({
  defaultRegion: "eu-west-1",
  logger: { level: "error", stream: process.stderr },
});
app.addHook("preHandler", whoIsAnswered);
process.stdin.on("end", () => process.exit()).resume();
await app.listen({ port: Number(port), host: "127.0.0.1" });
console.log(app.server.address().port);
