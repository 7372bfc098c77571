//! The relay as one process.

fn main() {}
