//! One tail per followed topic and process; one session per connection.
//!
//! A connection is a cursor on a log. A [`Session`] asks again and again what follows its cursor: the topic's ring of
//! recent, already encoded frames answers, and when the cursor is not in the ring (just resumed, slow, a publish was
//! lost) the log does. Nothing is queued per connection, and a topic that nobody follows costs nothing.

mod bell;
mod delivery;
mod encoder;
mod feed;
mod follow;
mod frame;
mod hub;
mod ring;
mod session;
mod standing;
mod tally;

pub use bell::Bell;
pub use delivery::Delivery;
pub use feed::Feed;
pub use follow::Place;
pub use frame::{Codec, Frame, Run};
pub use hub::Hub;
pub use ring::RingLimit;
pub use session::{Now, Session};
