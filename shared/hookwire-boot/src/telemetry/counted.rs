//! Counts lines of the log.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Counts the lines that are logged, by their level. What is finer than `info` is there only when somebody looks.
#[derive(Debug)]
pub(super) struct Counted;

impl<S: Subscriber> Layer<S> for Counted {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => return,
        };
        metrics::counter!("hookwire_log_lines_total", "level" => level).increment(1);
    }
}
