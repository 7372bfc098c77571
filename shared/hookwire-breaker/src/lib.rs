//! Keeps calls from a server that does not answer, for every adapter alike.

mod breaker;

pub use breaker::{Breaker, Permit};
