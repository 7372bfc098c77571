//! The Lambda functions for a developer: serves them as Lambda does, and builds them again when their sources change.

mod changes;
mod explain;

use std::process::ExitStatus;
use std::time::Duration;

use clap::Parser;
use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::Server as Sqs;
use hookwire_tests::{Deployment, DeploymentOptions, Freezing, GatewayOptions};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::changes::Changes;
use crate::explain::{HELP, explain, secret};

const PACKAGES: [&str; 3] = ["hookwire-receive", "hookwire-stream", "hookwire-drain"];
/// What the functions may read from a folder, as they would find it beside them on Lambda.
const SETTINGS: &str = "hookwire.toml";

/// Serves the Lambda functions on 127.0.0.1, over a Redis and an SQS of their own, until stopped.
#[derive(Debug, Parser)]
#[command(name = "scripts/dev-lambda", after_help = HELP)]
struct Args {
    /// Where the one front listens, before both functions.
    #[arg(long, value_name = "PORT", default_value_t = 9_000)]
    port: u16,
    /// Runs `stream` as on managed instances: one process takes so many streams.
    #[arg(long, value_name = "STREAMS")]
    concurrency: Option<usize>,
    /// Most environments of each function; what comes beyond is answered 429.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    reserved: usize,
    /// How long an invocation of `stream` may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(|kind| signal(kind).unwrap());
    let [interrupt, terminate, hangup] = &mut signals;
    // Every server ends with what `run` holds.
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = run(args) => {}
    }
}

/// Runs until dropped, or until the first build fails.
async fn run(args: Args) {
    let mut changes = Changes::default();
    if !build().await.success() {
        return;
    }
    let (redis, sqs) = tokio::join!(Redis::start(), Sqs::start());
    let queue = sqs.queue("hookwire", 1_000, Duration::from_secs(30)).await.queue;
    let secret = secret();
    let mut options = DeploymentOptions::over(&redis.url())
        .queue(&queue, &queue)
        .attended()
        .freezing(Freezing::AfterEachAnswer)
        .reserved(args.reserved)
        .timeout(Duration::from_secs(args.timeout))
        .gateway(GatewayOptions::default().port(args.port))
        .variable("RUST_LOG", "info")
        .set("JWT_SECRET", &secret);
    if let Some(streams) = args.concurrency {
        options = options.concurrency(streams);
    }
    if let Ok(sources) = std::fs::read_to_string(SETTINGS) {
        options = options.sources(&sources);
    }
    for (name, value) in handed_on() {
        options = options.variable(&name, value);
    }
    let functions = options.start().await;
    explain(&functions, &secret);
    loop {
        changes.next().await;
        println!("building");
        if build().await.success() {
            replace(&functions).await;
        } else {
            println!("what ran before goes on");
        }
    }
}

/// What is set here and meant for the functions.
#[expect(clippy::disallowed_methods, reason = "it is not read here but handed on as it is")]
fn handed_on() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| name == "RUST_LOG" || name.starts_with("HOOKWIRE_"))
}

async fn replace(functions: &Deployment) {
    for function in functions.functions() {
        function.replace().await;
    }
    println!("from now on the new ones are called; open streams end and come back");
}

async fn build() -> ExitStatus {
    let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked"]).args(packages).kill_on_drop(true);
    build.status().await.unwrap()
}
