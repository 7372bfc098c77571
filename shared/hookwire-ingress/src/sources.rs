//! One file per kind of source: how its pushes prove where they come from, and what they mean.

mod bearer;
mod cloudevents;
mod github;
mod gmail;
mod hmac;
mod pubsub;
mod slack;
mod standard_webhooks;
mod stripe;

pub use crate::google_push::GooglePush;
pub use crate::id_from::IdFrom;
pub use bearer::Bearer;
pub use cloudevents::CloudEvents;
pub use github::GitHub;
pub use gmail::Gmail;
pub use hmac::{Encoding, Hmac, SignedTimestamp};
pub use pubsub::PubSub;
pub use slack::Slack;
pub use standard_webhooks::{InvalidKey, StandardWebhooks, VerifyingKey};
pub use stripe::Stripe;
