use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_event::Tenant;
use hookwire_grant::{Grant, GrantParts, TopicPattern};
use serde::{Deserialize, Serialize};

/// Seals grants into tickets and cookies, so that no instance has to remember them.
///
/// Encrypted: a ticket stands in a URL, and whoever logs that must not learn whose it is.
pub struct Sealer {
    key: RandomizedNonceKey,
    /// Keys that only open.
    before: Vec<RandomizedNonceKey>,
    same_site: SameSite,
}

/// To which pages' requests a browser adds the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSite {
    /// To those of the relay's own site.
    Strict,
    /// To those of the relay's own site, and when a link leads there.
    #[default]
    Lax,
    /// To those of any site, if it is a listed origin.
    None,
}

/// What a sealed text is for; one for another purpose does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedAs {
    Ticket,
    Cookie,
}

/// A grant to follow, and what it is bound to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The ticket's own id, also in the cookie that it was exchanged for.
    pub(crate) id: String,
    user: String,
    tenant: Option<String>,
    token: Option<String>,
    issued_s: Option<u64>,
    grant_ends_s: u64,
    /// When the ticket was made, and when it ends.
    made_ms: u64,
    ends_s: u64,
    subscribe: Vec<String>,
    /// The page that may use it.
    pub(crate) origin: Option<String>,
}

/// What sealed texts begin with; no JWT does.
const PREFIX: &str = "hw1.";

impl Sealer {
    /// A sealer whose key is derived from a secret of the relay, the same on all instances.
    #[must_use]
    pub fn new(secret: &[u8], same_site: SameSite) -> Self {
        Self { key: key(secret), before: Vec::new(), same_site }
    }

    /// Opens what was sealed with an earlier secret, too, while that is rotated.
    #[must_use]
    pub fn opening(mut self, secret_before: &[u8]) -> Self {
        self.before.push(key(secret_before));
        self
    }

    /// Nothing when it is larger than a browser keeps in a cookie.
    pub(crate) fn seal(&self, sealed: &Sealed, purpose: SealedAs) -> Option<String> {
        let mut bytes = serde_json::to_vec(sealed).ok()?;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(purpose.aad()), &mut bytes).ok()?;
        let bytes = [nonce.as_ref().as_slice(), &bytes].concat();
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        (text.len() <= Self::MAX_BYTES).then_some(text)
    }

    /// Browsers keep cookies of up to 4,096 bytes with name and attributes.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc6265#section-6.1>
    const MAX_BYTES: usize = 3_800;

    pub(crate) fn open(&self, text: &str, purpose: SealedAs) -> Option<Sealed> {
        let sealed = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let opened = |key: &RandomizedNonceKey| {
            let mut bytes = sealed.clone();
            let (nonce, rest) = bytes.split_at_mut_checked(12)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let opened = key.open_in_place(nonce, Aad::from(purpose.aad()), rest).ok()?;
            serde_json::from_slice(opened).ok()
        };
        std::iter::once(&self.key).chain(&self.before).find_map(opened)
    }

    /// The `Set-Cookie` for a sealed grant.
    pub(crate) fn cookie(&self, value: &str, lasts: Duration) -> String {
        let (name, same_site) = (crate::credential::COOKIE_NAME, self.same_site.attributes());
        let seconds = lasts.as_secs();
        format!("{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; Secure; {same_site}")
    }
}

#[expect(clippy::expect_used, reason = "both lengths are those of the algorithms")]
fn key(secret: &[u8]) -> RandomizedNonceKey {
    let mut key = [0; 32];
    let salt = Salt::new(HKDF_SHA256, b"hookwire");
    let derived = salt
        .extract(secret)
        .expand(&[b"tickets and cookies, 1"], HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut key))
        .and_then(|()| RandomizedNonceKey::new(&AES_256_GCM, &key));
    derived.expect("SHA-256 gives the 32 bytes that the key has")
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl SameSite {
    /// The attributes of a cookie. One for pages of other sites is kept apart for each of them: browsers that keep no
    /// cookies of third parties keep that.
    ///
    /// Source: <https://developer.mozilla.org/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies>
    fn attributes(self) -> &'static str {
        match self {
            Self::Strict => "SameSite=Strict",
            Self::Lax => "SameSite=Lax",
            Self::None => "SameSite=None; Partitioned",
        }
    }
}

impl SealedAs {
    fn aad(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"ticket",
            Self::Cookie => b"cookie",
        }
    }
}

/// Whether a text is a sealed one, and not a JWT.
pub(crate) fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Sealed {
    /// What a grant may follow, or only `topics` of it, for a ticket that ends at `ends_at`.
    pub(crate) fn new(
        grant: &Grant,
        subscribe: Vec<String>,
        origin: Option<String>,
        now: SystemTime,
        ends_at: SystemTime,
    ) -> Self {
        Self {
            id: uuid::Uuid::now_v7().simple().to_string(),
            user: grant.user().to_owned(),
            tenant: grant.tenant().map(|tenant| tenant.as_str().to_owned()),
            token: grant.token_id().map(str::to_owned),
            issued_s: grant.issued_at().map(unix_s),
            grant_ends_s: unix_s(grant.expires_at()),
            made_ms: unix_ms(now),
            ends_s: unix_s(ends_at.min(grant.expires_at())),
            subscribe,
            origin,
        }
    }

    /// The grant that is in it; it may do nothing but follow.
    pub(crate) fn grant(&self) -> Option<Grant> {
        let patterns = self.subscribe.iter().map(|text| TopicPattern::parse(text).ok());
        Some(Grant::from(GrantParts {
            user: self.user.clone(),
            tenant: self.tenant.as_deref().map(Tenant::parse).transpose().ok()?,
            token_id: self.token.clone(),
            issued_at: self.issued_s.map(time),
            expires_at: time(self.grant_ends_s),
            subscribe: patterns.collect::<Option<_>>()?,
            publish: Vec::new(),
            admin: false,
        }))
    }

    /// Whether it was made before `time`.
    pub(crate) fn is_of_before(&self, time: SystemTime) -> bool {
        self.made_ms < unix_ms(time)
    }

    /// How long the ticket lasts; zero when it has ended.
    pub(crate) fn left(&self, now: SystemTime) -> Duration {
        time(self.ends_s).duration_since(now).unwrap_or_default()
    }

    /// With what an earlier cookie of the same user allows, so that a second page of his, with another ticket, does not take
    /// the topics of the first one away. Nothing when it is not of the same token: what ends at another time, or was issued
    /// at another, cannot be one grant.
    pub(crate) fn with(&self, earlier: &Self) -> Option<Self> {
        let token = |one: &Self| {
            (
                one.user.clone(),
                one.tenant.clone(),
                one.token.clone(),
                one.issued_s,
                one.grant_ends_s,
            )
        };
        (token(self) == token(earlier)).then(|| {
            let mut both = self.clone();
            for pattern in &earlier.subscribe {
                if !both.subscribe.contains(pattern) {
                    both.subscribe.push(pattern.clone());
                }
            }
            both
        })
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn time(unix_s: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Sealed {
        Sealed {
            id: "1".into(),
            user: "alice@example.com".into(),
            tenant: Some("acme".into()),
            token: Some("t".into()),
            issued_s: Some(1),
            grant_ends_s: 100,
            made_ms: 0,
            ends_s: 60,
            subscribe: vec!["a/*".into()],
            origin: None,
        }
    }

    #[test]
    fn only_the_same_secret_and_purpose_open_what_was_sealed() {
        let [one, other] = [b"one", b"two"].map(|secret| Sealer::new(secret, SameSite::Lax));
        let text = one.seal(&sealed(), SealedAs::Ticket).unwrap();
        let opened = one.open(&text, SealedAs::Ticket).unwrap();
        assert_eq!(opened.grant().unwrap().user(), "alice@example.com");
        assert!(one.open(&text, SealedAs::Cookie).is_none());
        assert!(other.open(&text, SealedAs::Ticket).is_none());
        assert_ne!(text, one.seal(&sealed(), SealedAs::Ticket).unwrap(), "no two are equal");
    }

    #[test]
    fn no_changed_byte_opens() {
        let sealer = Sealer::new(b"secret", SameSite::Lax);
        let text = sealer.seal(&sealed(), SealedAs::Ticket).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(changed));
            assert!(sealer.open(&changed, SealedAs::Ticket).is_none(), "byte {at}");
        }
        for text in ["", "hw1.", "hw1.AAAA", "a.b.c", text.get(..text.len() - 4).unwrap()] {
            assert!(sealer.open(text, SealedAs::Ticket).is_none(), "{text}");
        }
    }

    #[test]
    fn a_second_ticket_of_a_user_adds_its_topics_and_one_of_another_user_does_not() {
        let one = sealed();
        let more = Sealed { subscribe: vec!["b".into(), "a/*".into()], ..sealed() };
        assert_eq!(one.with(&more).unwrap().subscribe, ["a/*", "b"]);
        for other in [
            Sealed { user: "eve".into(), ..sealed() },
            Sealed { tenant: None, ..sealed() },
            Sealed { grant_ends_s: 101, ..sealed() },
        ] {
            assert!(one.with(&other).is_none());
        }
    }

    #[test]
    fn what_no_browser_keeps_is_not_sealed() {
        let sealer = Sealer::new(b"secret", SameSite::Lax);
        let many = |count| Sealed { subscribe: vec!["x".repeat(100); count], ..sealed() };
        let text = sealer.seal(&many(20), SealedAs::Cookie).unwrap();
        assert!(sealer.cookie(&text, Duration::from_secs(1)).len() <= 4_096);
        assert!(sealer.seal(&many(40), SealedAs::Cookie).is_none());
    }

    #[test]
    fn while_the_secret_is_rotated_both_open_and_the_new_one_seals() {
        let [old, new] = [b"old", b"new"].map(|secret| Sealer::new(secret, SameSite::Lax));
        let rotating = Sealer::new(b"new", SameSite::Lax).opening(b"old");
        let seal = |sealer: &Sealer| sealer.seal(&sealed(), SealedAs::Cookie).unwrap();
        for text in [seal(&old), seal(&new)] {
            assert!(rotating.open(&text, SealedAs::Cookie).is_some());
        }
        let text = seal(&rotating);
        assert!(new.open(&text, SealedAs::Cookie).is_some());
        assert!(old.open(&text, SealedAs::Cookie).is_none());
    }
}
