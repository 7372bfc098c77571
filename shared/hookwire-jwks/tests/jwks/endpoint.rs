//! A key endpoint on loopback that counts who asks and answers what the test says.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use hookwire_jwks::{Jwks, JwksConfig};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

pub(crate) const KEYS_A: &str = include_str!("../../../../tests/fixtures/oidc/jwks-a.json");
pub(crate) const KEYS_B: &str = include_str!("../../../../tests/fixtures/oidc/jwks-b.json");

/// The lifetime that [`Answer::Keys`] gives its set.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// 200 with this document.
    Keys(&'static str),
    /// This status, with a usable set as its body.
    Status(StatusCode),
    /// A redirect to a path that has a usable set.
    Redirect,
    /// 200 with a usable set, padded to this size in bytes and sent without a `Content-Length`.
    Padded(usize),
    /// Nothing at all.
    Never,
    /// The head of an answer and no body.
    HeadOnly,
}

pub(crate) struct Endpoint {
    pub(crate) url: String,
    answer: watch::Sender<Answer>,
    shared: Arc<Shared>,
}

struct Shared {
    answer: watch::Receiver<Answer>,
    hits: AtomicU32,
    arrived: Semaphore,
}

impl Endpoint {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/certs", listener.local_addr().unwrap());
        let (answer, answers) = watch::channel(answer);
        let shared = Arc::new(Shared {
            answer: answers,
            hits: AtomicU32::new(0),
            arrived: Semaphore::new(0),
        });
        let router = Router::new().fallback(respond).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answer, shared }
    }

    pub(crate) fn answers(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    pub(crate) fn hits(&self) -> u32 {
        self.shared.hits.load(Ordering::SeqCst)
    }

    /// Waits for the next request, also one that came before the call.
    pub(crate) async fn request(&self) {
        let arrived = self.shared.arrived.acquire();
        let arrived = tokio::time::timeout(Duration::from_secs(10), arrived).await;
        arrived.expect("nobody asks for the keys").unwrap().forget();
    }

    pub(crate) fn jwks(&self) -> Arc<Jwks> {
        let config = JwksConfig::new(self.url.parse().unwrap());
        Arc::new(Jwks::new(config))
    }
}

async fn respond(State(shared): State<Arc<Shared>>) -> Response {
    shared.hits.fetch_add(1, Ordering::SeqCst);
    shared.arrived.add_permits(1);
    let answer = *shared.answer.borrow();
    match answer {
        Answer::Keys(document) => {
            let lifetime = format!("public, max-age={}", LIFETIME.as_secs());
            ([(CACHE_CONTROL, lifetime)], document).into_response()
        }
        Answer::Status(status) => (status, KEYS_A).into_response(),
        Answer::Redirect => {
            (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/elsewhere")], KEYS_A).into_response()
        }
        Answer::Padded(size) => {
            let mut document = KEYS_A.as_bytes().to_vec();
            document.resize(size, b' ');
            let chunks: Vec<_> = document.chunks(10_000).map(Bytes::copy_from_slice).collect();
            let chunks = chunks.into_iter().map(Ok::<_, Infallible>);
            Body::from_stream(stream::iter(chunks)).into_response()
        }
        Answer::Never => std::future::pending().await,
        Answer::HeadOnly => {
            Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()).into_response()
        }
    }
}

/// Lets time pass at once. Outside of it time is real, since a paused clock would run into every
/// timeout whenever the test waits for the network.
pub(crate) async fn pass(time: Duration) {
    let before = Instant::now();
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    assert!(before.elapsed() >= time);
}
