use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::redirect::Policy;

/// Sends one request to the collector.
#[derive(Debug)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// What a collector answers is a few bytes, of which only the status counts.
    const MAX_BYTES: usize = 64 * 1024;

    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // Elsewhere the headers, with their tokens, have no business.
        reqwest::Client::builder().redirect(Policy::none()).build().map(Self)
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        // Made anew, since only then a name and a password in the address are sent as they should be.
        let request = self.0.request(head.method, head.uri.to_string()).headers(head.headers);
        // The exporter's own error does not say what went wrong.
        let told = |error: reqwest::Error| {
            let error = error.without_url();
            tracing::debug!(error = &error as &dyn std::error::Error, "a collector did not answer");
            error
        };
        let mut response = request.body(body).send().await.map_err(told)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if body.len() + chunk.len() > Self::MAX_BYTES {
                return Err("the collector's answer is too long".into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::builder().status(status).body(body.into())?)
    }
}
