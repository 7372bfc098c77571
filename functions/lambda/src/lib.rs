//! HTTP over the runtime of AWS Lambda: requests are made of its events, and answers go back to it, buffered or streamed.
//!
//! Nothing may be left to a task when an answer has ended: the process is frozen then, until the next event or for ever.

mod answered;
mod buffered;
mod last;
mod nodelay;
mod request;
mod streaming;

pub use buffered::serve_buffered;
pub use hookwire_freeze::{BeforeFreeze, Counting};
pub use streaming::serve_streaming;
