//! The harness: real relay processes, spoken to over HTTP.

mod load;
mod push;
mod relay;
mod stream;

pub use load::{Load, Outcome, Plan};
pub use push::{GMAIL, gmail_push, pubsub_push};
pub use relay::{Relay, RelayOptions};
pub use stream::{Sse, Stream};
