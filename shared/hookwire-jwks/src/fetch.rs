//! One fetch of a key set, bounded in time and size.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use http::header::{AGE, CACHE_CONTROL, DATE};
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::sync::OnceCell;

use crate::key_set::{KeySet, KeySetError};
use crate::location::Place;

/// Google's set is about 1 KiB. Far more is not a key set, and is not held in memory to find out.
const MAX_BYTES: usize = 256 * 1024;

/// Lifetime of a fetched set when the endpoint names none.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Below, a careless endpoint (`max-age=0`) would be asked for every push.
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// Above, a key that was withdrawn because it leaked would be trusted for too long.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A file costs microseconds, so a changed one is noticed soon. It is read again rather than
/// compared by modification time, which misses two changes within one tick of the file system.
const FILE_LIFETIME: Duration = Duration::from_secs(1);

/// Fetches the set from one place.
pub(crate) struct Fetcher {
    place: Place,
    timeout: Duration,
    // Building a client reads the system's root certificates, so it waits for the first token to
    // verify.
    client: OnceCell<Client>,
}

/// A set and how long it may be used before it is fetched again.
pub(crate) struct Fetched {
    pub(crate) keys: KeySet,
    pub(crate) lifetime: Duration,
    /// Whether the endpoint named it.
    pub(crate) says_lifetime: bool,
    /// When the endpoint answered, by its clock.
    pub(crate) date: Option<SystemTime>,
}

/// Why a fetch brought no keys. All are retried; the kinds are for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    #[error("the request for the key set failed")]
    Request(#[source] reqwest::Error),
    #[error("the endpoint of the key set answered {0} instead of 200")]
    Status(StatusCode),
    #[error("the key set is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the file of the key set cannot be read")]
    File(#[source] io::Error),
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

impl FetchError {
    /// The `outcome` label of the fetch counter.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::Request(_) => "request_failed",
            Self::Status(_) => "bad_status",
            Self::TooLarge => "too_large",
            Self::File(_) => "file_unreadable",
            Self::KeySet(_) => "unusable",
        }
    }
}

impl Fetcher {
    pub(crate) fn new(place: Place, timeout: Duration) -> Self {
        Self { place, timeout, client: OnceCell::new() }
    }

    pub(crate) async fn fetch(&self) -> Result<Fetched, FetchError> {
        let fetch = async {
            match &self.place {
                Place::Url(url) => self.get(url).await,
                Place::File(path) => read(path.clone()).await,
            }
        };
        match tokio::time::timeout(self.timeout, fetch).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(FetchError::Timeout(self.timeout)),
        }
    }

    async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        let client = self.client.get_or_try_init(|| async { build_client(url) });
        let request = client.await.map_err(FetchError::Request)?.get(url.clone());
        let response = request.send().await.map_err(FetchError::Request)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let (lifetime, date) = (lifetime(response.headers()), date(response.headers()));
        let says_lifetime = told_lifetime(response.headers()).is_some();
        let document = read_body(response).await?;
        Ok(Fetched { keys: KeySet::parse(&document)?, lifetime, says_lifetime, date })
    }
}

fn build_client(url: &Url) -> reqwest::Result<Client> {
    let client = Client::builder()
        // Only the configured host is contacted.
        .redirect(Policy::none())
        // A connection kept for the next fetch, hours later, is one that was cut without notice.
        .pool_max_idle_per_host(0);
    // Plain http is for loopback, which no proxy of the environment reaches.
    if url.scheme() == "http" { client.no_proxy().build() } else { client.build() }
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(FetchError::Request)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn read(path: PathBuf) -> Result<Fetched, FetchError> {
    let document = tokio::task::spawn_blocking(move || read_file(&path)).await;
    let document = document
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(FetchError::File)?;
    if document.len() > MAX_BYTES {
        return Err(FetchError::TooLarge);
    }
    let keys = KeySet::parse(&document)?;
    Ok(Fetched { keys, lifetime: FILE_LIFETIME, says_lifetime: true, date: None })
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    // One byte more than allowed tells a file at the limit from a larger one.
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut document)?;
    Ok(document)
}

/// What is left of the lifetime that the endpoint gives its answer, within our own bounds.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9111#section-4.2>
fn lifetime(headers: &HeaderMap) -> Duration {
    let lifetime = told_lifetime(headers).unwrap_or(DEFAULT_LIFETIME);
    lifetime.saturating_sub(age(headers)).clamp(MIN_LIFETIME, MAX_LIFETIME)
}

fn told_lifetime(headers: &HeaderMap) -> Option<Duration> {
    let directives =
        headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).find_map(max_age)
}

/// The time by the endpoint's clock: what a cache on the way kept was answered so long ago.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    date.checked_add(age(headers))
}

fn age(headers: &HeaderMap) -> Duration {
    headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(seconds).unwrap_or_default()
}

fn max_age(directive: &str) -> Option<Duration> {
    let (name, value) = directive.split_once('=')?;
    name.trim().eq_ignore_ascii_case("max-age").then(|| seconds(value))?
}

fn seconds(value: &str) -> Option<Duration> {
    value.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn lifetime_of(lines: &[(HeaderName, &str)]) -> u64 {
        let lines = lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        lifetime(&lines.collect()).as_secs()
    }

    #[test]
    fn a_set_lives_as_long_as_the_endpoint_says_within_bounds() {
        let hour = 3600;
        for (cache_control, expected) in [
            ("public, max-age=20000, must-revalidate, no-transform", 20_000),
            ("Max-Age=\"7200\"", 7200),
            ("max-age = 7200", 7200),
            ("max-age=0", 60),
            ("max-age=99999999", 24 * hour),
            ("no-store", hour),
            ("s-maxage=7200", hour),
            ("max-age=soon", hour),
            ("max-age=-1", hour),
            ("max-age=99999999999999999999999", hour),
            ("max-age", hour),
            ("", hour),
        ] {
            assert_eq!(lifetime_of(&[(CACHE_CONTROL, cache_control)]), expected, "{cache_control}");
        }
        assert_eq!(lifetime_of(&[]), hour);
        assert_eq!(
            lifetime_of(&[(CACHE_CONTROL, "public"), (CACHE_CONTROL, "max-age=7200")]),
            7200
        );
    }

    #[test]
    fn time_spent_in_a_cache_on_the_way_counts() {
        assert_eq!(lifetime_of(&[(CACHE_CONTROL, "max-age=7200"), (AGE, "7000")]), 200);
        assert_eq!(lifetime_of(&[(CACHE_CONTROL, "max-age=7200"), (AGE, "9000")]), 60);
        assert_eq!(lifetime_of(&[(CACHE_CONTROL, "max-age=7200"), (AGE, "unknown")]), 7200);
    }
}
