//! Keeps what the relay counts, and writes it for Prometheus and for CloudWatch.
//!
//! Code records by the macros of the crate `metrics`; a [`Registry`] is where that goes. It knows every metric beforehand, from
//! [`hookwire_telemetry::METRICS`], and takes no other; so its memory is bounded whatever labels come, a histogram is a row of
//! counters, and nothing has to be tidied up in the background.

mod cells;
mod emf;
mod labels;
mod process;
mod prometheus;
mod recorder;
mod registry;

pub use emf::{Emf, EmfConfig};
pub use prometheus::Exposition;
pub use registry::{InstallError, Registry};
