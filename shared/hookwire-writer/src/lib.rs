//! Writes to the sockets of open streams, many by one task.
//!
//! A stream that only waits needs neither a task nor buffers of its own. So a connection whose answer has begun is handed off
//! to one of the [`Writers`]: a task with an epoll, a table of connections, and for each topic the list of those that follow
//! it. When the topic's bell rings it walks that list once and gives each socket everything up to the head in one write. What
//! has to be waited for, such as what a log has, is fetched by another task, while the writer goes on.

mod chunk;
mod connection;
mod door;
mod supply;
mod timers;
mod topics;
mod writer;
mod writers;

pub use chunk::{Chunk, LAST_CHUNK};
pub use supply::{Next, Supply};
pub use writers::Writers;

#[cfg(test)]
mod tests;
