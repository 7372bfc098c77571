use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::Reporter;
use super::line::Line;

/// Hears what is logged for the reporter.
pub(super) struct Hears(pub(super) Arc<Reporter>);

impl<S: Subscriber> Layer<S> for Hears {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        self.0.hear(Line::of(event));
    }
}
