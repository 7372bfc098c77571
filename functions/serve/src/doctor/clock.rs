use std::time::{Duration, SystemTime};

use super::Finding;

/// Tokens, limits and ids go by the clock: more than this and some of them fail.
const MOST: Duration = Duration::from_secs(2);
const TODO: &str =
    "set the clocks by NTP: the lives of tokens, limits and the order of ids depend on them";

/// What another clock says of ours. It showed something between `earliest` and `latest` when ours showed something between
/// `asked` and `answered`.
pub(super) fn compared(
    whose: &str,
    (earliest, latest): (SystemTime, SystemTime),
    (asked, answered): (SystemTime, SystemTime),
) -> Finding {
    let ahead = asked.duration_since(latest).unwrap_or_default();
    let behind = earliest.duration_since(answered).unwrap_or_default();
    let off = ahead.max(behind);
    if off <= MOST {
        return Finding::ok("clock", format!("no more than 2 s off from {whose}"));
    }
    let way = if ahead > behind { "ahead of" } else { "behind" };
    let text = format!("this machine is at least {} s {way} {whose}", off.as_secs());
    Finding::bad("clock", text, TODO)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn only_what_is_certain_counts() {
        let at = |seconds: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds);
        // Another clock that shows whole seconds, and an answer that took three.
        let told = |theirs: f64| {
            compared("theirs", (at(theirs), at(theirs + 1.0)), (at(1_000.0), at(1_003.0))).level
        };
        for (theirs, level) in [
            (1_000.0, Level::Ok),
            (1_005.0, Level::Ok),
            (1_006.0, Level::Bad),
            (997.0, Level::Ok),
            (996.0, Level::Bad),
        ] {
            assert_eq!(told(theirs), level, "{theirs}");
        }
    }
}
