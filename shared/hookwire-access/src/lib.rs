//! Who a request comes from, and whether it may.
//!
//! A proof is a JWT in `Authorization`, a cookie, or a one-time ticket that is exchanged for a cookie, because an
//! `EventSource` sends no headers. What comes out is an [`Identity`], which alone says what topics a request reaches: in
//! no other field of a request does anybody name himself. Without keys the relay is open to this machine, and everybody
//! is [`Identity::Anybody`].

mod access;
mod admin;
mod audit;
mod credential;
mod identity;
mod origin;
mod proof;
mod refusal;
mod sealed;
mod tickets;

pub use access::{Access, AccessConfig, Identified, Purpose};
pub use admin::{guard_admin, router};
pub use audit::Audit;
pub use identity::Identity;
pub use origin::{Origins, guard_pages};
pub use refusal::Refusal;
pub use sealed::{SameSite, Sealer};
