use hookwire_state::OverLimit;
use http::StatusCode;

use crate::Problem;

/// The 429 of every limit, with the setting that raises it.
impl From<OverLimit> for Problem {
    fn from(over: OverLimit) -> Self {
        let detail = match over.scope {
            "client" => {
                "this address sends too many requests that prove nothing; with a good token, or to a source with \
                 verification, there is no such limit"
            }
            "source" => "this source pushed too often; raise HOOKWIRE_SOURCE_LIMIT if it may",
            "user" => "this user calls too often; raise HOOKWIRE_USER_LIMIT if that is meant",
            "topic" => {
                "too many events for this topic; raise HOOKWIRE_TOPIC_LIMIT if that is meant"
            }
            _ => "too many events for this relay; raise HOOKWIRE_GLOBAL_LIMIT if that is meant",
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail)
            .retry_after(over.retry_after)
            .rate_limit(over.quota.burst.get(), 0, over.reset_after)
    }
}
