//! What a Lambda function does before the platform freezes or ends it: when an answer has ended, nothing runs until the next one.

mod before_freeze;
mod counting;
mod extension;
mod stop;

pub use before_freeze::{BeforeFreeze, WITHIN};
pub use counting::Counting;
use extension::register;
pub use stop::{Tracked, until_stopped};
