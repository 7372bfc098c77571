//! Who may push: tokens of Google's accounts, verified with keys from a local endpoint.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of a test may panic as the test may"
)]

mod endpoint;
mod token;
mod tokens;
