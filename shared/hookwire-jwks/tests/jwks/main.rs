//! Published keys: how they are fetched and kept, and whose signatures they verify.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the helpers of a test may panic as the test may"
)]

mod endpoint;
mod keys;
mod token;
mod vectors;
