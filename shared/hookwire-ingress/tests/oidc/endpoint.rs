//! A key endpoint on loopback that counts who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use hookwire_jwks::{Jwks, JwksConfig};
use tokio::net::TcpListener;

pub(crate) const KEYS_A: &str = include_str!("../../../../tests/fixtures/oidc/jwks-a.json");
pub(crate) const KEYS_B: &str = include_str!("../../../../tests/fixtures/oidc/jwks-b.json");

pub(crate) struct Endpoint {
    url: String,
    hits: Arc<AtomicU32>,
}

impl Endpoint {
    /// Answers with [`KEYS_A`].
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/certs", listener.local_addr().unwrap());
        let hits = Arc::new(AtomicU32::new(0));
        let router = Router::new().fallback({
            let hits = Arc::clone(&hits);
            async move || {
                hits.fetch_add(1, Ordering::SeqCst);
                KEYS_A
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, hits }
    }

    pub(crate) fn hits(&self) -> u32 {
        self.hits.load(Ordering::SeqCst)
    }

    pub(crate) fn jwks(&self) -> Arc<Jwks> {
        let config = JwksConfig::new(self.url.parse().unwrap());
        Arc::new(Jwks::new(config))
    }
}
