//! The harness: real relay processes, spoken to over HTTP.

mod api;
mod chaos;
mod keys;
mod lambda;
mod load;
mod metrics;
mod otlp;
mod output;
mod program;
mod prometheus;
mod push;
mod relay;
mod sentry;
mod stream;
mod token;

pub use api::Api;
pub use chaos::{Chaos, Disasters, Outcome as ChaosOutcome, Shape};
pub use keys::{KeyServer, key_set, oidc_fixture, sign_rs256};
pub use lambda::{
    Chunk, Cut, Deployment, DeploymentOptions, Environment, EventSourceMapping, Freezing, Function,
    FunctionOptions, Gateway, GatewayOptions, HttpEvent, Invocation, Reply, Streamed,
};
pub use load::{Load, Outcome, Plan};
pub use metrics::Metrics;
pub use otlp::{Collector, Span};
pub use prometheus::Prometheus;
pub use push::{GMAIL, gmail_push, pubsub_push};
pub use relay::{PATIENCE, Relay, RelayOptions};
pub use sentry::Sentry;
pub use stream::{Sse, Stream};
pub use token::{SECRET, claims, now_s, sign, sign_with, token};
