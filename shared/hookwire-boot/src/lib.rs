//! Settings, tracing and shutdown; used by functions only.
