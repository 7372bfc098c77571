//! Which tokens give which grants, and whose tricks give none.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of a test may panic as the test may"
)]

mod claims;
mod forgery;
mod minting;
mod patterns;
mod secrecy;
mod token;
