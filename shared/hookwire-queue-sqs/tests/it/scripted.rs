use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hookwire_queue_sqs::SqsQueue;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::patient;

/// An SQS that answers as a test has it: what the emulator never does, such as to throttle.
pub(crate) struct Scripted {
    pub(crate) queue: SqsQueue,
    calls: Arc<AtomicU64>,
}

type Answer = dyn FnMut(&[Value]) -> (u16, Value) + Send;

impl Scripted {
    /// Answers each `SendMessageBatch` with a status and a body, made of its entries.
    pub(crate) async fn start(
        answer: impl FnMut(&[Value]) -> (u16, Value) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/000000000000/hooks", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicU64::new(0));
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(answer));
        tokio::spawn(accept(listener, Arc::clone(&calls), answer));
        Self { queue: SqsQueue::new(patient(&url)), calls }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, calls: Arc<AtomicU64>, answer: Arc<Mutex<Answer>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (calls, answer) = (Arc::clone(&calls), Arc::clone(&answer));
        let service = service_fn(move |request: Request<Incoming>| {
            calls.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let entries = body.get("Entries").and_then(Value::as_array).unwrap();
                let (status, answer) = answer.lock().unwrap()(entries);
                let answer = Response::builder()
                    .status(status)
                    .header("content-type", "application/x-amz-json-1.0")
                    .body(Full::new(Bytes::from(answer.to_string())));
                Ok::<_, Infallible>(answer.unwrap())
            }
        });
        let connection = hyper::server::conn::http1::Builder::new();
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

/// An error as SQS writes it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message }))
}

/// Takes those entries that no code is given for.
pub(crate) fn result(
    entries: &[Value],
    refuse: impl Fn(&str) -> Option<(&'static str, bool)>,
) -> (u16, Value) {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = &entry["Id"];
        match refuse(entry["MessageBody"].as_str().unwrap()) {
            Some((code, sender_fault)) => {
                failed.push(json!({ "Id": id, "Code": code, "SenderFault": sender_fault }));
            }
            None => successful.push(json!({ "Id": id, "MessageId": "m", "MD5OfMessageBody": "0" })),
        }
    }
    (200, json!({ "Successful": successful, "Failed": failed }))
}
