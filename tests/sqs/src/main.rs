//! SQS for a developer: starts it with a queue, says how to run the relay on it, and ends it when stopped.

#![forbid(unsafe_code)]

use std::future::pending;
use std::time::Duration;

use clap::Parser;
use hookwire_sqs_server::{Queues, REGION, Server};
use tokio::signal::unix::{SignalKind, signal};

/// How often a message is received before it counts as hopeless, and for how long nobody else receives it meanwhile.
const MAX_RECEIVE_COUNT: u32 = 1_000;
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts SQS in memory on 127.0.0.1, with a queue and its dead-letter queue, until stopped.
#[derive(Debug, Parser)]
#[command(name = "scripts/sqs")]
struct Args {
    /// Listen here, and not on a free port.
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// What the queue is called.
    #[arg(long, value_name = "NAME", default_value = "hookwire")]
    queue: String,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    // Listened for from the beginning: a stop in the middle of the start must end the server too.
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(|kind| signal(kind).unwrap());
    let [interrupt, terminate, hangup] = &mut signals;
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    // Ctrl-C ends the server as well as this process, which must not take that for a failed start.
    tokio::select! {
        biased;
        () = stopped => {}
        () = run(args) => {}
    }
}

/// Runs until dropped.
async fn run(args: Args) {
    let server = Server::start_on(args.port).await;
    let queues = server.queue(&args.queue, MAX_RECEIVE_COUNT, VISIBILITY_TIMEOUT).await;
    explain(&server, &queues);
    pending().await
}

fn explain(server: &Server, queues: &Queues) {
    let variables = [
        format!("AWS_ENDPOINT_URL_SQS={}", server.url()),
        format!("AWS_REGION={REGION}"),
        "AWS_ACCESS_KEY_ID=test".to_owned(),
        "AWS_SECRET_ACCESS_KEY=test".to_owned(),
        format!("HOOKWIRE_QUEUE=sqs:{}", queues.queue.url()),
    ];
    println!("{}\n", variables.join("\n"));
    println!("Run the relay on it:\n\n    {} cargo run\n", variables.join(" "));
    println!("Hopeless messages go to {}.", queues.dead_letters.url());
    println!("Ctrl-C ends it, and its messages with it.");
}
