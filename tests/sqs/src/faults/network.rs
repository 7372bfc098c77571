use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use reqwest::Client;
use tokio::sync::watch;

use super::Fault;

/// What SQS answers when something is wrong with it.
const FAILURE: &str = r#"{"__type":"InternalFailure","message":"a fault was asked for"}"#;

/// What SQS answers to whoever may not.
const DENIAL: &str = r#"{"__type":"AccessDeniedException","message":"a fault was asked for"}"#;

/// Ends the connection that the request came on.
pub(super) type Cut = Box<dyn std::error::Error + Send + Sync>;

/// What lies between the clients and a server.
#[derive(Debug)]
pub(super) struct Network {
    server: String,
    client: Client,
    faults: watch::Sender<InForce>,
    calls: Mutex<HashMap<String, u64>>,
    /// Held once by every request that is neither answered nor given up.
    unanswered: Arc<()>,
}

/// The faults that are asked for now.
#[derive(Debug, Default)]
struct InForce {
    general: Fault,
    by_action: HashMap<String, Fault>,
}

impl Network {
    pub(super) fn to(server: String) -> Self {
        // Without a limit in time: how long is too long is for the network's client to say.
        let client = Client::builder().no_proxy().build().unwrap();
        let faults = watch::Sender::new(InForce::default());
        Self { server, client, faults, calls: Mutex::default(), unanswered: Arc::default() }
    }

    pub(super) fn set(&self, fault: Fault) {
        self.faults.send_replace(InForce { general: fault, by_action: HashMap::new() });
    }

    pub(super) fn set_for(&self, action: &str, fault: Fault) {
        self.faults.send_modify(|faults| {
            faults.by_action.insert(action.to_owned(), fault);
        });
    }

    pub(super) fn calls(&self, action: &str) -> u64 {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(action).copied().unwrap_or_default()
    }

    pub(super) fn unanswered(&self) -> usize {
        Arc::strong_count(&self.unanswered) - 1
    }

    /// Waits until it takes no connections.
    pub(super) async fn refuses(&self) {
        let mut faults = self.faults.subscribe();
        faults.wait_for(|faults| faults.general == Fault::Refuse).await.unwrap();
    }

    /// Answers one request as the fault in force wants it.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, body.collect().await?.to_bytes());
        let action = action(request.headers());
        let _unanswered = Arc::clone(&self.unanswered);
        self.count(&action);
        match self.fault(&action).await {
            Fault::None => self.pass_on(request).await,
            Fault::Slow(delay) => {
                let answer = self.pass_on(request).await;
                tokio::time::sleep(delay).await;
                answer
            }
            Fault::Fail => Ok(failure()),
            Fault::Deny => Ok(denial()),
            Fault::FailAfter => self.pass_on(request).await.map(|_lost| failure()),
            Fault::Refuse | Fault::Hang => Err("refused".into()),
        }
    }

    fn count(&self, action: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(action.to_owned()).or_default() += 1;
    }

    /// What to do with a request, as soon as that is not to let it hang.
    async fn fault(&self, action: &str) -> Fault {
        let mut faults = self.faults.subscribe();
        let released = faults.wait_for(|faults| faults.of(action) != Fault::Hang).await;
        released.unwrap().of(action)
    }

    async fn pass_on(&self, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.server);
        let headers = end_to_end(head.headers);
        let request = self.client.request(head.method, url).headers(headers).body(body);
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
        let mut response = Response::new(Full::new(answer.bytes().await?));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl InForce {
    fn of(&self, action: &str) -> Fault {
        self.by_action.get(action).copied().unwrap_or(self.general)
    }
}

fn action(headers: &HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit('.').next()).unwrap_or_default().to_owned()
}

/// Without what concerns only the connection that they came on.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

fn failure() -> Response<Full<Bytes>> {
    answered(StatusCode::INTERNAL_SERVER_ERROR, FAILURE)
}

fn denial() -> Response<Full<Bytes>> {
    answered(StatusCode::FORBIDDEN, DENIAL)
}

fn answered(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
