use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hookwire_http::{ClientNet, Peer, Problem, TrustedHops};
use http::{Request, StatusCode};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

/// Calls of one administrator's address at once: as many as there are notifications in a list, some times over.
const BURST: u32 = 600;
/// Time after which one more is let through.
const PERIOD: Duration = Duration::from_millis(100);

/// Keeps one administrator's script from taking a process for itself: a call reads whole notifications, or all metrics.
///
/// Behind the guard, so that only those count who may be here at all.
pub(crate) fn floor(router: Router, trusted_hops: TrustedHops) -> Router {
    let config = GovernorConfigBuilder::default()
        .period(PERIOD)
        .burst_size(BURST)
        .key_extractor(ByClient(trusted_hops))
        .finish();
    match config {
        Some(config) => router.layer(GovernorLayer::new(config).error_handler(refuse)),
        // Neither number is zero.
        None => router,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what the layer passes")]
fn refuse(error: GovernorError) -> Response<Body> {
    match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            let detail = "the administration is called too often from this address";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail)
                .retry_after(Duration::from_secs(wait_time))
                .into_response()
        }
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the relay is at fault")
                .into_response()
        }
    }
}

/// The client behind the trusted proxies; the extractors that tower-governor brings take the left end of
/// `X-Forwarded-For`, which clients write themselves.
#[derive(Debug, Clone, Copy)]
struct ByClient(TrustedHops);

impl KeyExtractor for ByClient {
    type Key = ClientNet;

    fn extract<T>(&self, request: &Request<T>) -> Result<ClientNet, GovernorError> {
        let peer = request.extensions().get::<Peer>().copied();
        let peer = peer.ok_or(GovernorError::UnableToExtractKey)?;
        Ok(ClientNet::of(peer, request.headers(), self.0))
    }
}
