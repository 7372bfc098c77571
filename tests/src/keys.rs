use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::Value;
use tokio::net::TcpListener;

/// A file beside the test keys.
#[must_use]
pub fn oidc_fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/oidc").join(name)
}

/// The set that publishes one of the test keys, `a` or `b`.
#[must_use]
pub fn key_set(key: &str) -> String {
    std::fs::read_to_string(oidc_fixture(&format!("jwks-{key}.json"))).unwrap()
}

/// Signs claims with one of the test keys, and names it or another one in the header.
#[must_use]
pub fn sign_rs256(key: &str, kid: Option<&str>, claims: &Value) -> String {
    let own = format!("test-only-key-{key}");
    let der = std::fs::read(oidc_fixture(&format!("{own}.pkcs1.der"))).unwrap();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.map_or(own, str::to_owned));
    encode(&header, claims, &EncodingKey::from_rsa_der(&der)).unwrap()
}

/// A place where keys are published, which counts who asks.
#[derive(Debug)]
pub struct KeyServer {
    /// Where the set is.
    pub url: String,
    asked: Arc<AtomicU32>,
    published: Arc<Mutex<Option<String>>>,
}

impl KeyServer {
    /// Publishes this set.
    pub async fn start(set: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/certs", listener.local_addr().unwrap());
        let (asked, published) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(set)));
        let router = Router::new().fallback({
            let (asked, published) = (Arc::clone(&asked), Arc::clone(&published));
            async move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let set = published.lock().unwrap().clone();
                set.ok_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, published }
    }

    /// Publishes another set from now on; without one it answers 500.
    pub fn publish(&self, set: Option<String>) {
        *self.published.lock().unwrap() = set;
    }

    /// How often the set was asked for.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}
