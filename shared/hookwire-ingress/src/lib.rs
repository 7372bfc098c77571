//! Webhooks in: limit, verify, parse, append.
