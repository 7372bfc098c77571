//! Published keys: how they are fetched and kept, and whose signatures they verify.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic is how a test fails")]

mod endpoint;
mod keys;
mod token;
mod vectors;
