use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::Stream;

/// Where something speaks the relay's HTTP, and how it is asked.
#[derive(Debug, Clone)]
pub struct Api {
    /// For requests to it.
    pub client: Client,
    pub(crate) base: String,
    token: Option<String>,
}

impl Api {
    /// Asks there, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn at(base: impl Into<String>) -> Self {
        let client = Client::builder().pool_max_idle_per_host(64).no_proxy().build().unwrap();
        Self { client, base: base.into(), token: None }
    }

    /// Brings this token with every request but pushes, whose senders have their own proof.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// An address on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Starts a GET.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.proven(self.client.get(self.url(path)))
    }

    /// Starts a POST.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.proven(self.client.post(self.url(path)))
    }

    /// Starts a PUT.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.proven(self.client.put(self.url(path)))
    }

    /// What it brings with every request.
    #[must_use]
    pub fn proof(&self) -> HeaderMap {
        let bearer = self.token.iter().map(|token| format!("Bearer {token}").parse().unwrap());
        bearer.map(|bearer| (AUTHORIZATION, bearer)).collect()
    }

    fn proven(&self, request: RequestBuilder) -> RequestBuilder {
        request.headers(self.proof())
    }

    /// Pushes a notification to a source.
    pub async fn push(&self, source: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(&format!("/webhooks/{source}")));
        request.json(body).send().await.unwrap()
    }

    /// Publishes an event whose data is `data`, with an id of its own, and returns the answer.
    pub async fn publish(&self, topic: &str, id: &str, data: &Value) -> Value {
        let request = self.post(&format!("/topics/{topic}/events")).header("idempotency-key", id);
        let answer = request.json(data).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// Opens a stream with this query and, if given, a `Last-Event-ID`.
    pub async fn follow(&self, query: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = self.get(&format!("/events?{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        self.stream(request).await
    }

    /// Sends a request that is answered with a stream.
    pub async fn stream(&self, request: RequestBuilder) -> Stream {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        Stream::new(response)
    }
}
