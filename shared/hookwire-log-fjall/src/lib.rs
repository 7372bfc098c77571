//! The embedded log: durable, one folder, one process.
