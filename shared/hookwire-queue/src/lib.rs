//! The durable queue beside the log: an acknowledged event survives the loss of the log.
//!
//! - A queue keeps what it took until it is deleted, gives it to one receiver at a time and gives it again when that one
//!   does not delete it. It may deliver twice and in any order, and it cannot be searched.
//! - Nobody reads events from it. The drain moves them into the log, and the log is what streams are made of.

mod arrears;
mod backlog;
mod burials;
mod drain;
mod intake;
mod outage;
mod pump;
mod queue;
mod record;
mod search;
mod settle;
mod stamp;
mod timed;

pub use backlog::Backlog;
pub use burials::Burials;
pub use drain::{Drain, DrainConfig, Verdict};
pub use intake::{Ack, Durability, Intake, Kept, Mode, Taken};
pub use pump::Pump;
pub use queue::{Depth, Message, Queue, SendError};
pub use record::{Content, InLog, Record, UnreadableRecord};
pub use settle::{Settled, back_off, postpone, settle};
