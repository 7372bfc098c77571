//! Who may do what: a JWT read into a grant.
//!
//! A [`Verifier`] takes a token and gives the [`Grant`] in it, or says what to change. Which
//! algorithms a token may use belongs to the keys that are configured, never to the token.
//!
//! ```json
//! {
//!   "sub": "alice@example.com",
//!   "exp": 1767225600,
//!   "tenant": "acme",
//!   "hookwire": { "subscribe": ["gmail/{sub}", "orders/*"], "publish": ["orders/**"], "admin": false }
//! }
//! ```
//!
//! Sources: <https://www.rfc-editor.org/rfc/rfc7519>, <https://www.rfc-editor.org/rfc/rfc8725>

mod claims;
mod error;
mod grant;
mod mint;
mod parts;
mod pattern;
mod secret;
mod verifier;

pub use hookwire_jwks::Algorithm;

pub use crate::error::TokenError;
pub use crate::grant::Grant;
pub use crate::mint::{Claims, mint};
pub use crate::parts::GrantParts;
pub use crate::pattern::{InvalidPattern, TopicPattern};
pub use crate::secret::{HmacSecret, InvalidSecret};
pub use crate::verifier::{GrantConfig, Verifier};
