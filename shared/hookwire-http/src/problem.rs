use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

/// A refusal: RFC 9457 problem details, with what to do in `detail`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of `kind`, a stable word in kebab case that programs may compare, and what to do about it.
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), headers: Vec::new() }
    }

    /// Tells when to try again: whole seconds, rounded up and at least 1, or a client would come back too early.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        self
    }

    /// Tells how much of a limit is left, and in how many seconds all of it is there again.
    ///
    /// Source: <https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-03>, whose three headers are
    /// what clients read today.
    #[must_use]
    pub fn rate_limit(mut self, limit: u32, remaining: u32, reset_after: Duration) -> Self {
        let seconds = reset_after.as_secs() + u64::from(reset_after.subsec_nanos() > 0);
        for (name, value) in [
            ("ratelimit-limit", u64::from(limit)),
            ("ratelimit-remaining", u64::from(remaining)),
            ("ratelimit-reset", seconds),
        ] {
            self.headers.push((HeaderName::from_static(name), HeaderValue::from(value)));
        }
        self
    }

    /// Tells which methods the resource has.
    #[must_use]
    pub fn allow(mut self, methods: &'static str) -> Self {
        self.headers.push((ALLOW, HeaderValue::from_static(methods)));
        self
    }

    /// Tells how to authenticate.
    #[must_use]
    pub fn challenge(mut self, scheme: &'static str) -> Self {
        self.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static(scheme)));
        self
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("urn:hookwire:problem:{}", self.kind),
            "title": self.kind.replace('-', " "),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response =
            (self.status, [(CONTENT_TYPE, content_type)], body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

/// Answers a method that a resource does not have. It has to be set before a layer that answers itself, such as that of
/// CORS: set later, it takes the place of the layered one.
pub async fn method_not_allowed() -> Problem {
    let detail = "this resource does not have this method; the Allow header lists what it has";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_never_zero() {
        for (wait_ms, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "wait")
                .retry_after(Duration::from_millis(wait_ms));
            assert_eq!(problem.into_response().headers()[RETRY_AFTER], seconds);
        }
    }
}
