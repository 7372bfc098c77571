//! The live console: one static page inside the binary.
