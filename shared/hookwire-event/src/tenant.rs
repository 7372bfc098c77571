use std::fmt;
use std::sync::Arc;

/// One of several parties that share a relay and see nothing of each other: 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(Arc<str>);

/// The text is no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant has 1 to 64 letters, digits, `-`, `_` and `.`")]
pub struct InvalidTenant;

impl Tenant {
    /// Parses a tenant's name.
    ///
    /// # Errors
    ///
    /// [`InvalidTenant`]: it breaks the rule.
    pub fn parse(name: &str) -> Result<Self, InvalidTenant> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
            true => Ok(Self(name.into())),
            false => Err(InvalidTenant),
        }
    }

    /// The name as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.0)
    }
}
