use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::header::{HOST, ORIGIN};
use http::{StatusCode, Uri};

use crate::{Around, Problem};

/// Keeps web pages away from a relay that runs without keys.
///
/// It listens on loopback only, but so does the browser on the same machine: a page from anywhere could post to it,
/// or read from it after rebinding its own name to 127.0.0.1. Neither can forge `Host` and `Origin`.
#[derive(Debug, Clone)]
pub struct LoopbackGuard {
    /// Origins that may call beside the relay's own.
    pub origins: Arc<[String]>,
}

/// The part of the guard that webhooks have, too: whoever pushes sends no `Origin`, and a tunnel to a developer's
/// machine names its own host.
#[derive(Debug, Clone)]
pub struct OriginGuard(pub LoopbackGuard);

impl Around for LoopbackGuard {
    type Noted = ();

    fn asked(&self, request: &Request) -> Result<(), Problem> {
        self.refusal(request).map_or(Ok(()), Err)
    }
}

impl Around for OriginGuard {
    type Noted = ();

    fn asked(&self, request: &Request) -> Result<(), Problem> {
        self.0.foreign_origin(request).map_or(Ok(()), Err)
    }
}

impl LoopbackGuard {
    fn refusal(&self, request: &Request) -> Option<Problem> {
        let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        // Where both are given, both count: nobody says which one a proxy in front believed.
        let mut named = host.into_iter().chain(authority).peekable();
        if named.peek().is_none() || !named.all(is_loopback) {
            let detail = "without keys the relay answers only to localhost, 127.0.0.1 and [::1]; use one of them as the host";
            return Some(Problem::new(StatusCode::FORBIDDEN, "foreign-host", detail));
        }
        self.foreign_origin(request)
    }

    fn foreign_origin(&self, request: &Request) -> Option<Problem> {
        let origin =
            request.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        origin.filter(|origin| !self.allows(origin)).map(|_foreign| {
            let detail = "pages of this origin may not call; add it to HOOKWIRE_CORS_ORIGINS";
            Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail)
        })
    }

    fn allows(&self, origin: &str) -> bool {
        let own = origin.parse::<Uri>().ok();
        let own = own.and_then(|uri| uri.authority().map(|one| is_loopback(one.as_str())));
        own == Some(true) || self.origins.iter().any(|listed| listed == origin)
    }
}

fn is_loopback(authority: &str) -> bool {
    // What nearly everybody names, known without taking it apart.
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if matches!(host, "localhost" | "127.0.0.1") && port.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let Ok(authority) = authority.parse::<http::uri::Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for own in ["localhost:8080", "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]:8080"] {
            assert!(is_loopback(own), "{own}");
        }
        for foreign in [
            "localhost.evil.example",
            "evil.example:8080",
            "10.0.0.1",
            "",
            "[::2]",
            "localhost:80@evil.example",
            "127.0.0.1:80:1",
        ] {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_foreign_page_needs_to_be_listed() {
        let guard = LoopbackGuard { origins: Arc::new(["https://app.example".to_owned()]) };
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("https://app.example", true),
            ("https://app.example.evil", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(guard.allows(origin), allowed, "{origin}");
        }
    }
}
