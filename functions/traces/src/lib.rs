//! Where traces go, from the variables that OpenTelemetry has named, and how they get there: in the background of a process,
//! or before a function is frozen.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

mod pairs;
mod read;
mod sampler;
mod traces;
mod word;

pub use read::{TracesSettings, traces};
pub use traces::Traces;
