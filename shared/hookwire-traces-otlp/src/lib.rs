//! Sends spans to a collector by OTLP over HTTP, in protobuf.
//!
//! What happens to events never waits for it: spans wait in memory, a bounded number of them, and are thrown away where the
//! collector does not take them. That is told once.

mod client;
mod config;
mod convert;
mod exporter;
mod health;
mod waiting;

pub use config::OtlpConfig;
pub use exporter::OtlpExporter;
