use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back. Of a stream only the head is read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_stream = headers.get("content-type").is_some_and(|one| one == "text/event-stream");
        let body = if is_stream { String::new() } else { response.text().await.unwrap() };
        Self { status, headers, body }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The stable word of a problem; empty when it is none.
    pub(super) fn kind(&self) -> String {
        let body = self.json();
        let kind = body["type"].as_str().unwrap_or_default();
        kind.trim_start_matches("urn:hookwire:problem:").to_owned()
    }

    pub(super) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and kind, which is what a program looks at.
    pub(super) fn told(&self) -> (u16, String) {
        (self.status, self.kind())
    }
}
