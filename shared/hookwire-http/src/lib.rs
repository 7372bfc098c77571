//! What every HTTP edge shares: problem details, the client's address, the guard of an open relay, the listener.

mod activity;
mod answer_by;
mod answers;
mod around;
mod body;
mod bypass;
mod client;
mod deadline;
mod guard;
mod hand_off;
mod listener;
mod over_limit;
mod pace;
mod pages;
mod problem;
mod seats;
mod stalled;
mod trouble;

pub use answer_by::AnswerBy;
pub use answers::count_answers;
pub use around::{Around, AroundFuture, AroundLayer, AroundService};
pub use body::{is_json, media_type, read_body};
pub use bypass::Bypass;
pub use client::{ClientNet, Peer, TrustedHops};
pub use guard::{LoopbackGuard, OriginGuard};
pub use hand_off::{HandOff, Handed, Kept};
pub use listener::{ClientCap, Connection, Listener, ListenerConfig};
pub use pages::{ForPages, PagesFuture, PagesService};
pub use problem::{Problem, method_not_allowed};
pub use stalled::Stalled;
