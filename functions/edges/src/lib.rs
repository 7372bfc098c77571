//! What the functions that clients reach have in common: who may do what, what instances share, how streams are served,
//! and how their health is asked for.

mod access;
mod access_settings;
mod egress_settings;
mod health;
mod readiness;
mod state;
mod words;

pub use access::{Limits, open_access};
pub use access_settings::{AccessSettings, Quotas, Signing, access, keyed_access};
pub use egress_settings::{cors_origins, egress, max_body_bytes, texts};
pub use health::health;
pub use readiness::{Health, Readiness, Trouble};
pub use state::State;
pub use words::Words;
