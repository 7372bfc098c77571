//! The port of traces: what happens to an event from its push to its delivery, in spans that belong together.
//!
//! A trace is decided on once, where an event arrives ([`Arrival`]). Everywhere else the event itself says whether it is
//! recorded, so an event that is not costs a look at its extensions, and nothing at all where traces are off. Who takes the
//! spans is a [`Sink`], which only functions choose.

mod arrival;
mod incoming;
mod rate;
mod sampler;
mod span;
mod traced;
mod tracer;

pub use arrival::Arrival;
pub use incoming::continue_trace;
pub use sampler::Sampler;
pub use span::{Ended, Kind, Span, Value};
pub use traced::Traced;
pub use tracer::{Sink, Tracer};
