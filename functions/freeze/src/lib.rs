//! What a Lambda function does before the platform freezes it: when an answer has ended, nothing runs until the next one.

mod before_freeze;

pub use before_freeze::{BeforeFreeze, WITHIN};
