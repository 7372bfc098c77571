//! Where a key set is: a URL that may be trusted with it, or a file.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

/// Where the signing keys are published.
///
/// Parsed from a URL or from the path of a file. A URL must be `https`, because whoever can change
/// the keys can sign any token; `http` is for a loopback host, where tests and emulators live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwksLocation(Place);

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Url(Url),
    File(PathBuf),
}

/// Why a text is not a [`JwksLocation`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwksLocationError {
    /// It looks like a URL and is none.
    #[error("not a valid url")]
    Malformed,
    /// Neither `https`, nor `http` to a loopback host.
    #[error(
        "signing keys are fetched over https, or over http from a loopback host; \
         for a file give its path"
    )]
    Insecure,
    /// It carries a user name or a password, which would end up in logs.
    #[error("the url of the signing keys must not carry a user name or a password")]
    Credentials,
}

impl JwksLocation {
    pub(crate) fn place(&self) -> &Place {
        &self.0
    }
}

impl From<PathBuf> for JwksLocation {
    fn from(path: PathBuf) -> Self {
        Self(Place::File(path))
    }
}

impl FromStr for JwksLocation {
    type Err = JwksLocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains("://") {
            return Ok(Self::from(PathBuf::from(text)));
        }
        let Ok(url) = Url::parse(text) else {
            return Err(JwksLocationError::Malformed);
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(JwksLocationError::Credentials);
        }
        match url.scheme() {
            "https" => Ok(Self(Place::Url(url))),
            "http" if is_loopback(&url) => Ok(Self(Place::Url(url))),
            _ => Err(JwksLocationError::Insecure),
        }
    }
}

impl fmt::Display for JwksLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Url(url) => url.fmt(f),
            Place::File(path) => path.display().fmt(f),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_loopback_or_from_a_file() {
        for text in [
            "https://www.googleapis.com/oauth2/v3/certs",
            "http://127.0.0.1:8085/certs",
            "http://[::1]:8085/certs",
            "http://LOCALHOST/certs",
            "/etc/hookwire/jwks.json",
            "jwks.json",
        ] {
            assert!(text.parse::<JwksLocation>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_location_that_others_could_change_on_the_way_is_refused() {
        for (text, error) in [
            ("http://keys.example/certs", JwksLocationError::Insecure),
            ("http://localhost.example/certs", JwksLocationError::Insecure),
            ("http://127.0.0.1.example/certs", JwksLocationError::Insecure),
            ("http://0.0.0.0/certs", JwksLocationError::Insecure),
            ("http://169.254.169.254/certs", JwksLocationError::Insecure),
            ("ftp://localhost/certs", JwksLocationError::Insecure),
            ("file:///etc/hookwire/jwks.json", JwksLocationError::Insecure),
            ("http://localhost@keys.example/certs", JwksLocationError::Credentials),
            ("https://user:password@keys.example/certs", JwksLocationError::Credentials),
            ("https://", JwksLocationError::Malformed),
            ("https://keys.example:port/", JwksLocationError::Malformed),
        ] {
            assert_eq!(text.parse::<JwksLocation>(), Err(error), "{text}");
        }
    }
}
