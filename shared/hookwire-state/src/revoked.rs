use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Revocation, Revoke};

/// The revocations that an instance knows.
#[derive(Debug, Default)]
pub struct Revoked(Mutex<HashMap<Revoke, u64>>);

impl Revoked {
    /// Learns of a revocation.
    pub fn learn(&self, revocation: &Revocation) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ms = known.entry(revocation.of.clone()).or_default();
        *at_ms = revocation.at_ms.max(*at_ms);
    }

    /// Forgets what is older than any token may be.
    pub fn forget_before(&self, time: SystemTime) {
        let time_ms = unix_ms(time);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, at_ms| *at_ms >= time_ms);
    }

    /// Whether a token is revoked: of this subject, with this id, issued then.
    ///
    /// A time of issue has whole seconds, so one of the very second of the revocation counts as before it; a token
    /// without one is revoked with its subject, however new it is.
    #[must_use]
    pub fn contains(
        &self,
        subject: &str,
        token: Option<&str>,
        issued_at: Option<SystemTime>,
    ) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return false;
        }
        let by_token = token.is_some_and(|id| known.contains_key(&Revoke::Token(id.to_owned())));
        let by_subject = known.get(&Revoke::Subject(subject.to_owned()));
        by_token
            || by_subject.is_some_and(|at_ms| {
                issued_at.is_none_or(|issued| unix_ms(issued) / 1_000 <= at_ms / 1_000)
            })
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn a_subject_is_out_with_every_token_up_to_that_moment_and_with_none_after_it() {
        let revoked = Revoked::default();
        revoked.learn(&Revocation { of: Revoke::Subject("u".into()), at_ms: 10_500 });
        for (subject, issued, out) in [
            ("u", Some(at(9)), true),
            ("u", Some(at(10)), true),
            ("u", Some(at(11)), false),
            ("u", None, true),
            ("v", Some(at(9)), false),
        ] {
            assert_eq!(revoked.contains(subject, None, issued), out, "{subject} {issued:?}");
        }
        revoked.learn(&Revocation { of: Revoke::Subject("u".into()), at_ms: 5_000 });
        assert!(revoked.contains("u", None, Some(at(10))), "an older one takes nothing back");
        revoked.forget_before(at(11));
        assert!(!revoked.contains("u", None, Some(at(10))));
    }

    #[test]
    fn a_token_is_out_whoever_has_it() {
        let revoked = Revoked::default();
        revoked.learn(&Revocation { of: Revoke::Token("t".into()), at_ms: 10_000 });
        assert!(revoked.contains("u", Some("t"), Some(at(99))));
        assert!(!revoked.contains("u", Some("other"), Some(at(9))));
        assert!(!revoked.contains("u", None, None));
    }
}
