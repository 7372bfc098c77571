use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

/// The cookie that carries a JWT, or what a ticket was exchanged for.
pub(crate) const COOKIE_NAME: &str = "hookwire_token";

/// Everything in a request that could prove who sent it.
#[derive(Default)]
pub(crate) struct Credentials<'r> {
    pub(crate) bearer: Option<Cow<'r, str>>,
    pub(crate) cookie: Option<&'r str>,
    pub(crate) ticket: Option<Cow<'r, str>>,
    /// A raw token in the query, which servers and proxies write into their logs.
    pub(crate) query_token: Option<Cow<'r, str>>,
}

impl<'r> Credentials<'r> {
    pub(crate) fn of(request: &'r Parts) -> Self {
        let query = request.uri.query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
        };
        Self {
            bearer: bearer(&request.headers),
            cookie: cookie(&request.headers),
            ticket: value("ticket"),
            query_token: value("token"),
        }
    }
}

/// The token of an `Authorization` header; one that is no bearer is a token that nobody can verify, and so are two: which
/// of them a proxy in front has looked at nobody says.
fn bearer(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().unwrap_or_default();
    if values.next().is_some() {
        return Some("".into());
    }
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    Some(if is_bearer { token.trim().into() } else { "".into() })
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE_NAME && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_proof_is_found_wherever_it_may_stand() {
        let request = Request::get("/events?topic=a&ticket=T%2D1&token=&x=1")
            .header(AUTHORIZATION, "bEARER  abc ")
            .header(COOKIE, "a=b; hookwire_tokenx=1")
            .header(COOKIE, "c=d; hookwire_token=e.f=; hookwire_token=g");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found = Credentials::of(&parts);
        assert_eq!(found.bearer.as_deref(), Some("abc"));
        assert_eq!(found.cookie, Some("e.f="));
        assert_eq!(found.ticket.as_deref(), Some("T-1"));
        assert_eq!(found.query_token, None);
    }

    #[test]
    fn another_scheme_is_a_token_that_is_not_good_and_not_the_absence_of_one() {
        for value in ["Basic YTpi", "Bearer", "", "token abc"] {
            let request = Request::get("/").header(AUTHORIZATION, value);
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(Credentials::of(&parts).bearer.as_deref(), Some(""), "{value}");
        }
    }
}
