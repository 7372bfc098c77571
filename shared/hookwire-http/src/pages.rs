use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ORIGIN, VARY};
use http::{HeaderValue, Method};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tower_http::cors::{Cors, CorsLayer, ResponseFuture};

/// Answers pages of other origins as a [`CorsLayer`] with credentials does, and all others without making it anew for each.
#[derive(Debug, Clone)]
pub struct ForPages(Arc<CorsLayer>);

impl ForPages {
    /// By the rules of this layer, which allows credentials and exposes no headers.
    #[must_use]
    pub fn new(cors: CorsLayer) -> Self {
        Self(Arc::new(cors))
    }
}

impl<S> Layer<S> for ForPages {
    type Service = PagesService<S>;

    fn layer(&self, inner: S) -> PagesService<S> {
        PagesService { cors: Arc::clone(&self.0), inner }
    }
}

/// A service for pages of other origins.
#[derive(Debug, Clone)]
pub struct PagesService<S> {
    cors: Arc<CorsLayer>,
    inner: S,
}

impl<S> Service<Request> for PagesService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = PagesFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.headers().contains_key(ORIGIN) || request.method() == Method::OPTIONS {
            let mut cors: Cors<S> = self.cors.layer(self.inner.clone());
            return PagesFuture { to: To::Page { answer: cors.call(request) } };
        }
        PagesFuture { to: To::Others { answer: self.inner.call(request) } }
    }
}

pin_project! {
    /// The answer of a [`PagesService`].
    pub struct PagesFuture<F> {
        #[pin]
        to: To<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum To<F> {
        Page { #[pin] answer: ResponseFuture<F> },
        Others { #[pin] answer: F },
    }
}

impl<F> fmt::Debug for PagesFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagesFuture")
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for PagesFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().to.project() {
            Projected::Page { answer } => answer.poll(cx),
            Projected::Others { answer } => {
                let mut answer = ready!(answer.poll(cx))?;
                // A cache must not give it to a page either.
                let headers = answer.headers_mut();
                headers.append(VARY, HeaderValue::from_static(VARIES));
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                Poll::Ready(Ok(answer))
            }
        }
    }
}

/// What answers depend on, in the words of the layer.
const VARIES: &str = "origin, access-control-request-method, access-control-request-headers";

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http::header::CACHE_CONTROL;
    use tower::ServiceExt;
    use tower_http::cors::AllowOrigin;

    use super::*;

    #[tokio::test]
    async fn every_answer_has_the_headers_that_the_layer_alone_gives() {
        let origin = HeaderValue::from_static("https://app.example");
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list([origin]))
            .allow_credentials(true)
            .allow_methods([Method::POST]);
        let router = || Router::new().route("/", post(async || [(VARY, "accept")]));
        let ours = router().layer(ForPages::new(cors.clone()));
        let theirs = router().layer(cors);
        for method in [Method::POST, Method::OPTIONS, Method::GET] {
            for origin in [None, Some("https://app.example"), Some("https://other.example")] {
                let request = || {
                    let request = Request::builder().method(&method).header(CACHE_CONTROL, "x");
                    let request = match origin {
                        Some(origin) => request.header(ORIGIN, origin),
                        None => request,
                    };
                    request.body(Body::empty()).unwrap()
                };
                let [ours, theirs] = [&ours, &theirs].map(|router| router.clone());
                let ours = ours.oneshot(request()).await.unwrap();
                let theirs = theirs.oneshot(request()).await.unwrap();
                assert_eq!(ours.status(), theirs.status());
                assert_eq!(ours.headers(), theirs.headers(), "{method} {origin:?}");
            }
        }
    }
}
