//! Headers that prove something.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

use crate::unproven::Unproven;

/// How far the clocks of a sender and of the relay may differ. Standard Webhooks, Stripe and Slack all name 5 minutes.
pub(crate) const TOLERANCE: Duration = Duration::from_mins(5);

/// The one value of a header.
///
/// Of two nobody could say which one the sender signed, and a proxy in front might have read the other.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Unproven> {
    let malformed = |reason| Unproven::Malformed { header: name.into(), reason };
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| Unproven::Missing { header: name.into() })?;
    if values.next().is_some() {
        return Err(malformed("is there more than once"));
    }
    value.to_str().map_err(|_where| malformed("is no ASCII text"))
}

/// Checks that `text`, seconds since the Unix epoch, is within `tolerance` of `now`.
pub(crate) fn check_fresh(
    header: &str,
    text: &str,
    tolerance: Duration,
    now: SystemTime,
) -> Result<(), Unproven> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at = text.parse::<u64>().ok().filter(|_| digits).ok_or_else(|| {
        Unproven::Malformed { header: header.into(), reason: "has no whole seconds in it" }
    })?;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let away = now.abs_diff(signed_at);
    if away > tolerance.as_secs() {
        let direction = if signed_at < now { "behind" } else { "ahead of" };
        return Err(Unproven::Stale { away, direction, tolerance });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_counts_for_five_minutes_both_ways() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (text, fresh) in [
            ("1000000", true),
            ("999700", true),
            ("1000300", true),
            ("999699", false),
            ("1000301", false),
            ("+1000000", false),
            ("1000000.0", false),
            ("", false),
            ("99999999999999999999999", false),
        ] {
            assert_eq!(check_fresh("t", text, TOLERANCE, now).is_ok(), fresh, "{text}");
        }
    }

    #[test]
    fn a_header_that_comes_twice_proves_nothing() {
        let mut headers = HeaderMap::new();
        assert!(matches!(only(&headers, "a"), Err(Unproven::Missing { .. })));
        headers.append("a", "1".parse().unwrap());
        assert_eq!(only(&headers, "a").unwrap(), "1");
        headers.append("a", "1".parse().unwrap());
        assert!(matches!(only(&headers, "a"), Err(Unproven::Malformed { .. })));
    }
}
