use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;

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

    /// Whether the page that sent a request may: its origin is listed or the relay's own. Nothing when the request names
    /// none.
    pub(crate) fn allow(&self, request: &Parts) -> Option<bool> {
        let origin = origin_of(&request.headers)?;
        Some(self.lists(origin) || is_own(origin, request))
    }
}

/// The origin that a request names.
pub(crate) fn origin_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

/// Whether an origin is the relay's own. The scheme is not compared: behind a proxy that ends TLS the relay does not know
/// its own.
pub(crate) fn is_own(origin: &str, request: &Parts) -> bool {
    let named = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri.authority().map(http::uri::Authority::as_str));
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
}
