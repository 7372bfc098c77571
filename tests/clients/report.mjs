/** What all client programs have in common: they report in lines of JSON, and do not outlive who started them. */

/** Prints one report. */
export function report(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** Runs `end` when this program's input ends, which it also does when the tests are killed. */
export function atEndOfInput(end) {
  process.stdin.on("end", end).resume();
}
