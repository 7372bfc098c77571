//! When keys are fetched, how long they are kept, and what a bad endpoint cannot do.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwire_jwks::{Algorithm, Jwks, JwksConfig, JwksLocation};
use http::StatusCode;
use tokio::time::Instant;

use crate::endpoint::{Answer, Endpoint, KEYS_A, KEYS_B, LIFETIME, pass};
use crate::token::{Key, Outcome, verify};

const HOUR: Duration = Duration::from_secs(3600);
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(60);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const RETRY_PAUSE: Duration = Duration::from_secs(5);
const MAX_SET_BYTES: usize = 256 * 1024;
const DOWN: Answer = Answer::Status(StatusCode::SERVICE_UNAVAILABLE);

async fn assert_let_in(jwks: &Arc<Jwks>, key: Key) {
    let outcome = verify(jwks, key).await;
    assert!(matches!(outcome, Outcome::LetIn), "{outcome:?}");
}

/// Tells a verification that uses what is there from one that waits for an endpoint.
async fn assert_let_in_at_once(jwks: &Arc<Jwks>, key: Key) {
    let started = Instant::now();
    assert_let_in(jwks, key).await;
    assert!(started.elapsed() < FETCH_TIMEOUT / 2);
}

async fn assert_unknown_key(jwks: &Arc<Jwks>, key: Key) {
    let outcome = verify(jwks, key).await;
    assert!(matches!(outcome, Outcome::UnknownKey), "{outcome:?}");
}

async fn assert_unavailable(jwks: &Arc<Jwks>) {
    let outcome = verify(jwks, Key::A).await;
    assert!(matches!(outcome, Outcome::Unavailable), "{outcome:?}");
}

/// Lets a fetch that nobody waits for reach its end.
async fn assert_let_in_soon(jwks: &Arc<Jwks>, key: Key) {
    while !matches!(verify(jwks, key).await, Outcome::LetIn) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_many_tokens() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_eq!(endpoint.hits(), 0);
    for _ in 0..10 {
        assert_let_in(&jwks, Key::A).await;
    }
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_tokens_at_once_make_one_fetch() {
    for _ in 0..20 {
        let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
        let jwks = endpoint.jwks();
        let requests = (0..50).map(|_| {
            let jwks = Arc::clone(&jwks);
            tokio::spawn(async move { assert_let_in(&jwks, Key::A).await })
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.unwrap();
        }
        assert_eq!(endpoint.hits(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_tokens_of_a_rotated_key_at_once_make_one_fetch() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.answers(Answer::Keys(KEYS_B));
    let requests = (0..50).map(|_| {
        let jwks = Arc::clone(&jwks);
        tokio::spawn(async move { assert_let_in(&jwks, Key::B).await })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn a_cancelled_request_does_not_cancel_the_fetch_of_the_others() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    let first = tokio::spawn({
        let jwks = Arc::clone(&jwks);
        async move { verify(&jwks, Key::A).await }
    });
    endpoint.request().await;
    first.abort();
    assert_let_in(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test]
async fn an_unknown_key_causes_one_fetch_and_then_a_pause() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 2);
    for _ in 0..10 {
        assert_unknown_key(&jwks, Key::B).await;
    }
    pass(UNKNOWN_KEY_PAUSE - Duration::from_secs(5)).await;
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 2);

    pass(Duration::from_secs(5)).await;
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 3);
}

#[tokio::test]
async fn an_unknown_key_in_the_very_first_token_is_not_asked_for_twice() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test]
async fn a_known_key_asked_for_with_another_algorithm_is_an_unknown_one() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        assert!(jwks.key(Key::A.kid(), algorithm).await.unwrap().is_none());
    }
    // One and then the pause.
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_verified_with_the_only_one_and_causes_no_fetch_ahead() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert!(jwks.only_key(Algorithm::Rs256).await.unwrap().is_some());
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        assert!(jwks.only_key(algorithm).await.unwrap().is_none());
    }
    assert_eq!(endpoint.hits(), 1);

    let jwks = Endpoint::start(DOWN).await.jwks();
    assert!(jwks.only_key(Algorithm::Rs256).await.is_err());
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_at_its_first_token() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.answers(Answer::Keys(KEYS_B));
    assert_let_in(&jwks, Key::B).await;
    // And the withdrawn one is gone with the same fetch.
    assert_unknown_key(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn keys_are_fetched_ahead_of_their_end_while_requests_use_the_known_ones() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.request().await;

    pass(LIFETIME * 3 / 4).await;
    assert_let_in_at_once(&jwks, Key::A).await;
    // A fetch of someone else, in which one of ours would have arrived as well.
    assert_let_in(&endpoint.jwks(), Key::A).await;
    endpoint.request().await;
    assert_eq!(endpoint.hits(), 2);

    endpoint.answers(Answer::Never);
    pass(LIFETIME / 10).await;
    assert_let_in_at_once(&jwks, Key::A).await;
    endpoint.request().await;
    assert_let_in_at_once(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 3);
}

#[tokio::test]
async fn keys_beyond_their_lifetime_are_not_used_unless_the_endpoint_fails() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.answers(Answer::Keys(KEYS_B));
    pass(LIFETIME).await;
    assert_unknown_key(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn the_last_good_keys_outlive_an_endpoint_that_fails_but_not_for_ever() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.answers(DOWN);
    for _ in 0..24 {
        pass(HOUR).await;
        assert_let_in(&jwks, Key::A).await;
    }
    pass(HOUR).await;
    assert_unavailable(&jwks).await;

    endpoint.answers(Answer::Keys(KEYS_A));
    pass(RETRY_PAUSE).await;
    assert_let_in(&jwks, Key::A).await;
}

#[tokio::test]
async fn requests_do_not_wait_for_an_endpoint_that_keeps_failing() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.request().await;
    endpoint.answers(DOWN);
    pass(LIFETIME).await;
    assert_let_in(&jwks, Key::A).await;
    endpoint.request().await;

    endpoint.answers(Answer::Never);
    pass(RETRY_PAUSE).await;
    assert_let_in_at_once(&jwks, Key::A).await;
    endpoint.request().await;
    assert_let_in_at_once(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 3);
}

#[tokio::test]
async fn a_failing_endpoint_is_asked_again_only_after_a_pause() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    endpoint.answers(DOWN);
    pass(LIFETIME).await;
    assert_let_in(&jwks, Key::A).await;
    assert_let_in(&jwks, Key::A).await;
    // Waits for the end of any fetch that one before may have started.
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 2);

    pass(RETRY_PAUSE).await;
    assert_let_in(&jwks, Key::A).await;
    assert_unknown_key(&jwks, Key::B).await;
    assert_eq!(endpoint.hits(), 3);
}

#[tokio::test]
async fn an_endpoint_that_was_never_up_leaves_keys_unavailable_until_it_is() {
    let endpoint = Endpoint::start(DOWN).await;
    let jwks = endpoint.jwks();
    for _ in 0..10 {
        assert_unavailable(&jwks).await;
    }
    assert_eq!(endpoint.hits(), 1);

    endpoint.answers(Answer::Keys(KEYS_A));
    assert_unavailable(&jwks).await;
    pass(RETRY_PAUSE).await;
    assert_let_in(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn an_unreachable_endpoint_leaves_keys_unavailable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let location = format!("http://{closed}/certs").parse().unwrap();
    let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
    assert_unavailable(&jwks).await;
}

#[tokio::test]
async fn only_a_plain_200_with_a_usable_set_counts_as_fetched() {
    let no_keys = r#"{"keys":[]}"#;
    let no_usable_key = r#"{"keys":[{"kty":"EC","kid":"test-only-key-a","crv":"P-256"}]}"#;
    for answer in [
        Answer::Status(StatusCode::NO_CONTENT),
        Answer::Status(StatusCode::NON_AUTHORITATIVE_INFORMATION),
        Answer::Status(StatusCode::NOT_FOUND),
        Answer::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Answer::Redirect,
        Answer::Padded(MAX_SET_BYTES + 1),
        Answer::Keys(""),
        Answer::Keys("<html></html>"),
        Answer::Keys(no_keys),
        Answer::Keys(no_usable_key),
    ] {
        let endpoint = Endpoint::start(answer).await;
        let jwks = endpoint.jwks();
        assert_unavailable(&jwks).await;
        // One: a redirect is not followed.
        assert_eq!(endpoint.hits(), 1);
    }
}

#[tokio::test]
async fn a_set_may_be_256_kib_long() {
    let endpoint = Endpoint::start(Answer::Padded(MAX_SET_BYTES)).await;
    assert_let_in(&endpoint.jwks(), Key::A).await;
}

#[tokio::test]
async fn a_bad_set_does_not_replace_a_good_one() {
    let endpoint = Endpoint::start(Answer::Keys(KEYS_A)).await;
    let jwks = endpoint.jwks();
    assert_let_in(&jwks, Key::A).await;
    for answer in
        [Answer::Keys(r#"{"keys":[]}"#), Answer::Padded(10 * MAX_SET_BYTES), Answer::Redirect]
    {
        endpoint.answers(answer);
        let before = endpoint.hits();
        pass(UNKNOWN_KEY_PAUSE).await;
        assert_unknown_key(&jwks, Key::B).await;
        assert_eq!(endpoint.hits(), before + 1);
        assert_let_in(&jwks, Key::A).await;
    }
}

#[tokio::test]
async fn a_slow_endpoint_is_given_up_after_the_timeout() {
    for answer in [Answer::Never, Answer::HeadOnly] {
        let endpoint = Endpoint::start(answer).await;
        let jwks = endpoint.jwks();
        let started = Instant::now();
        let request = tokio::spawn({
            let jwks = Arc::clone(&jwks);
            async move { assert_unavailable(&jwks).await }
        });
        endpoint.request().await;
        pass(FETCH_TIMEOUT).await;
        request.await.unwrap();
        assert!(started.elapsed() < FETCH_TIMEOUT + Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_changed_file_is_read_again() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(KEYS_A.as_bytes()).unwrap();
    let location = JwksLocation::from(file.path().to_owned());
    let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
    assert_let_in(&jwks, Key::A).await;

    std::fs::write(file.path(), KEYS_B).unwrap();
    pass(Duration::from_secs(1)).await;
    assert_unknown_key(&jwks, Key::A).await;
    assert_let_in(&jwks, Key::B).await;

    std::fs::write(file.path(), "half a docu").unwrap();
    pass(Duration::from_secs(1)).await;
    assert_let_in(&jwks, Key::B).await;

    std::fs::write(file.path(), KEYS_A).unwrap();
    pass(RETRY_PAUSE).await;
    assert_let_in_soon(&jwks, Key::A).await;
}

#[tokio::test]
async fn a_missing_or_huge_file_leaves_keys_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.json");
    let huge = directory.path().join("huge.json");
    std::fs::write(&huge, format!("{KEYS_A}{}", " ".repeat(256 * 1024))).unwrap();
    for path in [missing, huge, directory.path().to_owned()] {
        let location = JwksLocation::from(path);
        let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
        assert_unavailable(&jwks).await;
    }
}

#[tokio::test]
async fn a_streak_of_failures_is_logged_once_and_so_is_its_end() {
    let endpoint = Endpoint::start(DOWN).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .with_ansi(false)
        .finish();
    // For all threads: one that logs before without a subscriber would switch the line off for this
    // test too. The lines of other tests name other endpoints.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let jwks = endpoint.jwks();
    for _ in 0..3 {
        assert_unavailable(&jwks).await;
        pass(RETRY_PAUSE).await;
    }
    assert_eq!(endpoint.hits(), 3);
    assert_eq!(log.lines("WARN", &endpoint).len(), 1, "{log:?}");
    assert!(log.lines("WARN", &endpoint)[0].contains("503"), "{log:?}");

    endpoint.answers(Answer::Keys(KEYS_A));
    assert_let_in(&jwks, Key::A).await;
    pass(LIFETIME).await;
    assert_let_in(&jwks, Key::A).await;
    assert_eq!(endpoint.hits(), 5);
    assert_eq!(log.lines("INFO", &endpoint).len(), 1, "{log:?}");
    assert_eq!(log.lines("WARN", &endpoint).len(), 1, "{log:?}");
}

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self, level: &str, endpoint: &Endpoint) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .filter(|line| line.contains(level) && line.contains(&endpoint.url))
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
