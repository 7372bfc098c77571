//! One file per kind of source: what its notifications mean.

pub(crate) mod gmail;
pub(crate) mod pubsub;
