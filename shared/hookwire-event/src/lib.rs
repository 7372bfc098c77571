//! The nouns of the relay: event, topic, position. No I/O, no async, no clock.
