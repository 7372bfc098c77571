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
mod revoke;
mod sealed;
mod tickets;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

pub use access::{Access, AccessConfig, Identified, Purpose};
pub use admin::guard_admin;
pub use audit::Audit;
pub use identity::Identity;
pub use origin::{Origins, PagesGuard};
pub use refusal::Refusal;
pub use sealed::{SameSite, Sealer};

/// The routes `POST /tickets` and `POST /admin/revoke`.
pub fn router(access: Arc<Access>) -> Router {
    Router::new()
        .route("/tickets", post(tickets::post_tickets))
        .route("/admin/revoke", post(revoke::post_revoke))
        .with_state(access)
}
