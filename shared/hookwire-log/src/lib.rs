//! The log port: append, read after a cursor, tail, watch; and the in-memory log.
