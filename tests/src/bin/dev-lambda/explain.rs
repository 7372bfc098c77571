use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_tests::{Deployment, claims, sign_with};
use serde_json::json;

/// How all of this differs from what there is beside it.
pub(crate) const HELP: &str = "\
Whatever is set in HOOKWIRE_* variables, and a hookwire.toml in this folder, is handed to the functions. Without such a file
the sources gmail and pubsub take pushes without proof. When a source file changes the functions are built again; what is
called from then on is new, and open streams end with `hookwire.closing` and come back. Between two invocations a process
stands still, as on Lambda.

cargo lambda watch does nearly the same without a Redis, an SQS or drain's mapping of its own:

    pip install cargo-lambda ziglang
    cargo lambda watch --only-lambda-apis -A 127.0.0.1 -P 19000 &
    AWS_LAMBDA_RUNTIME_API=http://127.0.0.1:19000/.rt/stream AWS_LAMBDA_FUNCTION_NAME=stream \\
    AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256 HOOKWIRE_LOG=redis://127.0.0.1:6379 \\
    HOOKWIRE_JWT_SECRET=... target/debug/stream
    curl -N http://127.0.0.1:19000/lambda-url/stream/events?topic=a

It is further from Lambda than this is:
- Without -A it listens on all interfaces.
- Every deadline that it names is in 1970, so that streams last as long as HOOKWIRE_MAX_LIFETIME.
- It answers before a stream is over, so that one process serves many streams where Lambda starts one for each.
- Every client is 127.0.0.1, nothing ever stands still, and no process is asked to end.
- A client that is gone is told at the next chunk. Lambda never tells, nor does this.
";

/// A secret for this run only.
pub(crate) fn secret() -> String {
    STANDARD.encode(std::array::from_fn::<u8, 36, _>(|_| fastrand::u8(..)))
}

/// Says how the functions are reached, and with which token.
pub(crate) fn explain(functions: &Deployment, secret: &str) {
    let all = json!({ "subscribe": ["**"], "publish": ["**"], "admin": true });
    let token = sign_with(secret, &claims("developer", &all));
    let front = functions.gateway.front();
    println!("HOOKWIRE_JWT_SECRET={secret}\nHOOKWIRE_TOKEN={token}\n");
    println!("One front for both: {front}");
    println!("The HTTP API before `receive`: {}", functions.gateway.api());
    println!("The function URL before `stream`: {}\n", functions.gateway.url());
    println!("Follow and publish, with the token above, which is good for an hour:\n");
    println!("    curl -N -H \"Authorization: Bearer $HOOKWIRE_TOKEN\" '{front}/events?topic=a'");
    println!(
        "    curl -H \"Authorization: Bearer $HOOKWIRE_TOKEN\" --json '\"hello\"' {front}/topics/a/events\n"
    );
    println!("Ctrl-C ends it, and its events with it.");
}
