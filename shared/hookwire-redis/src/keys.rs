use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Names of everything in Redis.
///
/// What something is called may hold a mail address or a token, and key names show up in monitoring, so a keyed hash
/// stands for it. The hash is the key's hash tag: all keys of one thing are in one slot, where one script reaches them.
#[derive(Clone)]
pub struct Keys {
    namespace: Arc<str>,
    hash: Hmac<Sha256>,
}

impl Keys {
    /// `secret` keeps names from being guessed by whoever sees the keys; every process must have the same.
    #[must_use]
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC takes any key")]
    pub fn new(namespace: &str, secret: &str) -> Self {
        let hash = Hmac::new_from_slice(secret.as_bytes()).expect("any length is a key");
        Self { namespace: namespace.into(), hash }
    }

    /// The key of one part of what `tag` stands for.
    #[must_use]
    pub fn key(&self, tag: &str, part: &str) -> String {
        format!("{}:{{{tag}}}:{part}", self.namespace)
    }

    /// A key that is written to see whether one can be.
    #[must_use]
    pub fn probe(&self) -> String {
        format!("{}:{{probe}}", self.namespace)
    }

    /// The digest of these parts as a key shows it.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> String {
        self.digest(parts).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What stands for these parts, joined, where their text must not be seen.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = self.hash.clone();
        parts.iter().for_each(|part| hash.update(part));
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(hash.finalize().into_bytes()) {
            *to = from;
        }
        digest
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> Keys {
        Keys::new("hookwire", secret)
    }

    #[test]
    fn a_key_shows_its_namespace_its_tag_and_its_part() {
        let tag = keys("secret").tag(&[b"alice@example.com"]);
        assert_eq!(keys("secret").key(&tag, "log"), format!("hookwire:{{{tag}}}:log"));
        assert!(tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()), "{tag}");
    }

    #[test]
    fn another_text_or_secret_gives_another_tag() {
        assert_ne!(keys("secret").tag(&[b"a"]), keys("secret").tag(&[b"b"]));
        assert_ne!(keys("secret").tag(&[b"a"]), keys("other").tag(&[b"a"]));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", keys("hunter2")), "Keys { namespace: \"hookwire\", .. }");
    }
}
