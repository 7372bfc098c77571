//! The graceful stop, as the operating system asks for it.

use std::io;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A token that is cancelled by the first SIGTERM or SIGINT; the second one exits at once.
///
/// Signals are caught from this call on. It panics outside of a Tokio runtime.
///
/// # Errors
///
/// The operating system refused to hand its signals over.
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut signals = Signals::catch()?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        let first = signals.next().await;
        info!(signal = first.name, "stopping; a second signal exits at once");
        stopping.cancel();
        let second = signals.next().await;
        warn!(signal = second.name, "exiting before the stop was complete");
        exit(&second);
    });
    Ok(stop)
}

struct Received {
    name: &'static str,
    number: i32,
}

const SIGINT: Received = Received { name: "SIGINT", number: 2 };

#[cfg(unix)]
const SIGTERM: Received = Received { name: "SIGTERM", number: 15 };

/// Exits as a shell reports a process that a signal ended: 128 and the signal's number.
#[expect(clippy::exit, reason = "who asks twice does not want to wait for anything")]
fn exit(signal: &Received) -> ! {
    std::process::exit(128 + signal.number)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Received {
        tokio::select! {
            Some(()) = self.interrupt.recv() => SIGINT,
            Some(()) = self.terminate.recv() => SIGTERM,
            else => std::future::pending().await,
        }
    }
}

/// Where there are no signals but Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Received {
        match tokio::signal::ctrl_c().await {
            Ok(()) => SIGINT,
            Err(_) => std::future::pending().await,
        }
    }
}
