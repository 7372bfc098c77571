//! What every HTTP edge shares: problem details, the client's address, the guard of an open relay, the listener.

mod activity;
mod answer_by;
mod answers;
mod body;
mod bypass;
mod client;
mod deadline;
mod guard;
mod hand_off;
mod listener;
mod over_limit;
mod pace;
mod problem;
mod seats;
mod stalled;
mod trouble;

pub use answer_by::AnswerBy;
pub use answers::count_answers;
pub use body::{is_json, media_type, read_body};
pub use bypass::Bypass;
pub use client::{ClientNet, Peer, TrustedHops};
pub use guard::{LoopbackGuard, guard_loopback, guard_origin};
pub use hand_off::{HandOff, Handed, Kept};
pub use listener::{ClientCap, Connection, Listener, ListenerConfig};
pub use problem::{Problem, method_not_allowed};
pub use stalled::Stalled;
