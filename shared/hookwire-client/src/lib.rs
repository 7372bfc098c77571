//! Follows a relay from outside: an SSE reader that resumes by itself.

mod follow;
mod parser;

pub use follow::{Follow, FollowError, Followed};
pub use parser::{EventParser, ServerSentEvent};
