use std::sync::Arc;

use axum::extract::Request;
use hookwire_http::{Around, Problem};
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};

use crate::Access;

/// The origins whose pages may call, beside the relay's own.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Lists origins as browsers send them.
    #[must_use]
    pub fn new(listed: Vec<String>) -> Self {
        Self(listed)
    }

    /// Whether an origin is listed.
    #[must_use]
    pub fn lists(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed == origin)
    }

    /// Whether the page that sent a request may: its origin is listed or the relay's own. Nothing when the request says
    /// nothing of a page.
    pub(crate) fn allow(&self, request: &Parts) -> Option<bool> {
        self.allows(&request.headers, &request.uri)
    }

    fn allows(&self, headers: &HeaderMap, uri: &Uri) -> Option<bool> {
        match origin_of(headers) {
            Some(origin) => Some(self.lists(origin) || is_of(origin, headers, uri)),
            None => is_from_elsewhere(headers).then_some(false),
        }
    }
}

/// Lets no page of an unlisted origin push a webhook.
///
/// Its reader may reach a relay that its author does not reach, and a source without verification takes anything. Those
/// who are meant to push are no pages.
#[derive(Debug)]
pub struct PagesGuard(pub Arc<Access>);

impl Around for PagesGuard {
    type Noted = ();

    fn asked(&self, request: &Request) -> Result<(), Problem> {
        match self.0.config.origins.allows(request.headers(), request.uri()) {
            Some(false) => {
                let detail = "pages of this origin may not call; add it to HOOKWIRE_CORS_ORIGINS";
                Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin", detail))
            }
            Some(true) | None => Ok(()),
        }
    }
}

/// The origin that a request names.
pub(crate) fn origin_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

/// Whether a page of another origin sent a request that names none.
///
/// Browsers name no origin when a page asks for what it may not read, such as an image or `fetch` with `no-cors`, and send
/// the cookie all the same: a stream that was opened so would take the place of one of the user's own.
///
/// Source: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// Whether an origin is the relay's own. The scheme is not compared: behind a proxy that ends TLS the relay does not know
/// its own.
pub(crate) fn is_own(origin: &str, request: &Parts) -> bool {
    is_of(origin, &request.headers, &request.uri)
}

fn is_of(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == host
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn allowed(origin: Option<&str>) -> Option<bool> {
        let request = Request::get("/events").header(HOST, "relay.example:8080");
        let request = match origin {
            Some(origin) => request.header(ORIGIN, origin),
            None => request,
        };
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Origins::new(vec!["https://app.example".into()]).allow(&parts)
    }

    #[test]
    fn only_listed_pages_and_the_relays_own_may_call() {
        for (origin, expected) in [
            (None, None),
            (Some("https://app.example"), Some(true)),
            (Some("https://relay.example:8080"), Some(true)),
            (Some("http://relay.example:8080"), Some(true)),
            (Some("https://relay.example"), Some(false)),
            (Some("http://app.example"), Some(false)),
            (Some("https://app.example.evil"), Some(false)),
            (Some("null"), Some(false)),
            (Some(""), Some(false)),
        ] {
            assert_eq!(allowed(origin), expected, "{origin:?}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_that_names_no_origin_may_not_call() {
        for (site, expected) in [
            ("same-origin", None),
            ("none", None),
            ("same-site", Some(false)),
            ("cross-site", Some(false)),
            ("", Some(false)),
        ] {
            let request = Request::get("/events").header("sec-fetch-site", site);
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(Origins::default().allow(&parts), expected, "{site}");
        }
    }
}
