//! Panics, logged and counted.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tracing::error;
use tracing::field::display;

/// Global because the hook is.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many panics this process has survived since [`Telemetry::start`](super::Telemetry::start).
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Replaces the standard hook: that one prints the message, whatever it holds.
pub(super) fn install() {
    std::panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let thread = thread::current();
    let location = panic.location().map(display);
    // Only a literal: a message that was put together may quote an event, a token or an address.
    let message = panic.payload().downcast_ref::<&'static str>().copied();
    // Disabled unless RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| display(&backtrace));
    error!(
        incident = "panic",
        thread = thread.name(),
        panic.location = location,
        panic.message = message,
        panic.backtrace = backtrace,
        "panicked"
    );
}
