//! Which tokens give which grants, and whose tricks give none.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod claims;
mod forgery;
mod minting;
mod patterns;
mod secrecy;
mod token;
