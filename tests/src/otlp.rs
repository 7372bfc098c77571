use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::RelayOptions;
use crate::relay::PATIENCE;

/// A collector of traces, which decodes what it is sent.
#[derive(Debug)]
pub struct Collector {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    spans: watch::Sender<Vec<Span>>,
    calls: watch::Sender<usize>,
    answer: watch::Sender<Answer>,
    /// What no span may hold, with what it stood in.
    fault: Mutex<Option<String>>,
}

/// What a collector does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Take,
    Hang,
    Fail,
}

/// A span as it came.
#[derive(Debug, Clone)]
pub struct Span {
    /// Who sent it.
    pub service: String,
    /// What happened.
    pub name: String,
    /// Its trace, in digits as in a `traceparent`.
    pub trace_id: String,
    /// Itself.
    pub id: String,
    /// What it is a part of; empty at the root.
    pub parent: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it failed.
    pub failed: bool,
    /// How long it took, in nanoseconds.
    pub took_ns: u64,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            spans: watch::Sender::default(),
            calls: watch::Sender::default(),
            answer: watch::Sender::new(Answer::Take),
            fault: Mutex::default(),
        });
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Has a process send its traces here, those that a sender records and no other.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.address.clone()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=the%20token".into()),
            ("OTEL_TRACES_SAMPLER_ARG", "0".into()),
        ]
    }

    /// A relay that does so.
    #[must_use]
    pub fn relay(&self) -> RelayOptions {
        let options = RelayOptions::default();
        self.variables()
            .into_iter()
            .fold(options, |options, (name, value)| options.variable(name, value))
    }

    /// Takes every call and answers none.
    pub fn hang(&self) {
        self.shared.answer.send_replace(Answer::Hang);
    }

    /// Answers 503.
    pub fn fail(&self) {
        self.shared.answer.send_replace(Answer::Fail);
    }

    /// Takes what it is sent, also what hangs.
    pub fn take(&self) {
        self.shared.answer.send_replace(Answer::Take);
    }

    /// How often it was called.
    #[must_use]
    pub fn calls(&self) -> usize {
        *self.shared.calls.borrow()
    }

    /// Waits until it was called so often.
    pub async fn called(&self, times: usize) {
        let mut calls = self.shared.calls.subscribe();
        let called = tokio::time::timeout(PATIENCE, calls.wait_for(|calls| *calls >= times)).await;
        drop(called.expect("the collector is called").unwrap());
    }

    /// What it has taken so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.shared.spans.borrow().clone()
    }

    /// Waits until it has spans of all these names, and returns the one of each that came first. They are of one trace, and
    /// there is no other.
    pub async fn trace<const N: usize>(&self, names: [&str; N]) -> [Span; N] {
        let find =
            |spans: &[Span], name: &str| spans.iter().find(|span| span.name == name).cloned();
        let mut spans = self.shared.spans.subscribe();
        let all = |spans: &Vec<Span>| names.iter().all(|name| find(spans, name).is_some());
        let came = tokio::time::timeout(PATIENCE, spans.wait_for(all)).await;
        assert!(came.is_ok(), "of {names:?} there are only {:#?}", self.spans());
        let spans = self.spans();
        let found = names.map(|name| find(&spans, name).unwrap());
        for span in &spans {
            assert_eq!(span.trace_id, found[0].trace_id, "{spans:#?}");
        }
        found
    }
}

/// Nothing personal is ever sent here.
impl Drop for Collector {
    fn drop(&mut self) {
        let fault = self.shared.fault.lock().unwrap().take();
        if let Some(fault) = fault.filter(|_| !std::thread::panicking()) {
            panic!("{fault}");
        }
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    let mut answer = shared.answer.subscribe();
    shared.calls.send_modify(|calls| *calls += 1);
    let decided = answer.wait_for(|answer| *answer != Answer::Hang).await.map(|answer| *answer);
    if decided.is_ok_and(|answer| answer == Answer::Fail) {
        return (StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
    }
    let format = headers.get("content-type").map(http::HeaderValue::as_bytes);
    let token = headers.get("x-token").map(http::HeaderValue::as_bytes);
    if (format, token) != (Some(b"application/x-protobuf"), Some(b"the token")) {
        note(&shared, format!("what came is {format:?} and has {token:?}"));
    }
    let text = String::from_utf8_lossy(&body).to_lowercase();
    // Addresses, payloads, and what the senders of the tests put beside their traces.
    for personal in ["@example.com", "historyid", "secret"] {
        if text.contains(personal) {
            note(&shared, format!("{personal} is in {text:?}"));
        }
    }
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => shared.spans.send_modify(|spans| spans.extend(read(request))),
        Err(error) => note(&shared, format!("what came is no protobuf: {error}")),
    }
    (StatusCode::OK, Bytes::new())
}

fn note(shared: &Shared, fault: String) {
    shared.fault.lock().unwrap().get_or_insert(fault);
}

fn read(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let of_process = known(resource.resource.unwrap_or_default().attributes);
        let service = of_process.get("service.name").cloned().unwrap_or_default();
        let sent = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(sent.map(|sent| span(&service, sent)));
    }
    spans
}

fn span(service: &str, sent: Sent) -> Span {
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Span {
        service: service.to_owned(),
        trace_id: digits(&sent.trace_id),
        id: digits(&sent.span_id),
        parent: digits(&sent.parent_span_id),
        failed: sent.status.is_some_and(|status| status.code == 2),
        took_ns: sent.end_time_unix_nano.checked_sub(sent.start_time_unix_nano).unwrap(),
        name: sent.name,
        attributes: known(sent.attributes),
    }
}

fn known(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: AnyValue| match value.value {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|one| (one.key, one.value.map(text).unwrap_or_default())).collect()
}
