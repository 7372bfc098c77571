//! Redis for a developer: starts it, says how to run the relay on it, and removes it when stopped.

#![forbid(unsafe_code)]

use std::future::pending;

use clap::{Parser, Subcommand};
use hookwire_redis_server::{Certificates, Cluster, Sentinel, ServerOptions};
use tokio::signal::unix::{SignalKind, signal};

/// Starts Redis on free ports of 127.0.0.1, and ends it and removes its data when stopped.
#[derive(Debug, Parser)]
#[command(name = "scripts/redis")]
struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// One server.
    Standalone {
        /// Listen with TLS only, and ask clients for a certificate.
        #[arg(long)]
        tls: bool,
        /// Listen here, and not on a free port.
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
    },
    /// A master, two replicas and three sentinels.
    Sentinel,
    /// Three masters and three replicas.
    Cluster,
}

#[tokio::main]
async fn main() {
    let kind = Args::parse().kind;
    // Listened for from the beginning: a stop in the middle of the start must remove what is there already.
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
    // Ctrl-C ends the servers as well as this process, which must not take that for a failed start.
    tokio::select! {
        biased;
        () = stopped => {}
        () = kind.run() => {}
    }
}

impl Kind {
    /// Runs until dropped.
    async fn run(self) {
        match self {
            Self::Standalone { tls, port } => {
                let options = ServerOptions::default();
                let options = if tls { options.tls() } else { options };
                let options = port.into_iter().fold(options, ServerOptions::port);
                let server = options.start().await;
                explain(&server.url(), server.certificates());
                pending().await
            }
            Self::Sentinel => {
                let sentinel = Sentinel::start().await;
                explain(&sentinel.url(), None);
                pending().await
            }
            Self::Cluster => {
                let cluster = Cluster::start().await;
                explain(&cluster.url(), None);
                pending().await
            }
        }
    }
}

fn explain(url: &str, certificates: Option<&Certificates>) {
    let mut variables = vec![format!("HOOKWIRE_LOG={url}")];
    if let Some(certificates) = certificates {
        variables.extend([
            format!("HOOKWIRE_REDIS_CA={}", certificates.ca().display()),
            format!("HOOKWIRE_REDIS_CERT={}", certificates.cert().display()),
            format!("HOOKWIRE_REDIS_KEY={}", certificates.key().display()),
        ]);
    }
    println!("{}\n", variables.join("\n"));
    println!("Run the relay on it:\n\n    {} cargo run\n", variables.join(" "));
    println!("Ctrl-C ends it and removes its data.");
}
