use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, OnceCell, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::invocation::{Deadline, Fate, Invocation};
use super::reply::Reply;
use super::response::response;
use super::rules::Rules;

/// The Runtime API of one process, which is the only one that speaks to it.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) rules: watch::Sender<Rules>,
    calls: mpsc::UnboundedSender<Call>,
    waiting: Mutex<mpsc::UnboundedReceiver<Call>>,
    /// Invocations that were handed over, whether or not the process has asked for them, and are not ended.
    open: AtomicUsize,
    /// Whether the process is stopped in its tracks as soon as it has answered.
    pub(crate) freezes: AtomicBool,
    pub(crate) process: OnceCell<Pid>,
}

#[derive(Debug)]
struct Call {
    invocation: Invocation,
    time: Option<Duration>,
    reply: oneshot::Sender<Reply>,
}

/// The id of every invocation is its own, in all environments of a run.
static INVOCATIONS: AtomicUsize = AtomicUsize::new(1);

impl Runtime {
    /// Listens for a process that takes so many invocations at a time.
    pub(crate) async fn start(most: usize) -> (Arc<Self>, String, JoinHandle<()>) {
        let (calls, waiting) = mpsc::unbounded_channel();
        let runtime = Arc::new(Self {
            rules: watch::Sender::new(Rules::of(most)),
            calls,
            waiting: Mutex::new(waiting),
            open: AtomicUsize::new(0),
            freezes: AtomicBool::new(false),
            process: OnceCell::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(std::future::pending::<StatusCode>))
            .fallback(unknown)
            .with_state(Arc::clone(&runtime));
        let serving = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        (runtime, address, serving)
    }

    /// Takes a place for one invocation, if there is one.
    pub(crate) fn reserve(&self, most: usize) -> bool {
        let place = |open: usize| (open < most).then_some(open + 1);
        self.open.fetch_update(Ordering::SeqCst, Ordering::SeqCst, place).is_ok()
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Hands over what a place was taken for. `timeout` is the function's own.
    pub(crate) fn call(
        &self,
        invocation: Invocation,
        timeout: Duration,
    ) -> oneshot::Receiver<Reply> {
        let (reply, replied) = oneshot::channel();
        let time = match invocation.deadline {
            None => Some(timeout),
            Some(Deadline::In(time)) => Some(time),
            Some(Deadline::Unknown) => None,
        };
        // Nobody hears of it when the process is gone, and then its caller is told so.
        drop(self.calls.send(Call { invocation, time, reply }));
        replied
    }

    pub(crate) fn broke(&self, rule: String) {
        self.rules.send_modify(|rules| rules.broken.push(rule));
    }

    /// Ends an invocation, and the process stands still from here on if it is to.
    pub(crate) fn end(&self, id: &str) {
        if self.freezes.load(Ordering::SeqCst) {
            let process = *self.process.get().expect("the process was started");
            // It may have ended meanwhile.
            let _ended = kill_process(process, Signal::STOP);
        }
        // Before whoever waits for it is told.
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.rules.send_modify(|rules| rules.end(id));
    }

    /// Whoever waits for an answer of the process learns that there will be none.
    pub(crate) async fn abandon(&self) {
        self.rules.send_modify(Rules::abandon);
        self.waiting.lock().await.close();
        while self.waiting.lock().await.try_recv().is_ok() {}
    }
}

/// One poll, also when the process that made it does not live to hear of an invocation.
struct Poll<'a>(&'a Runtime);

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.0.rules.send_modify(|rules| rules.polls -= 1);
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.rules.send_modify(Rules::poll);
    let poll = Poll(&runtime);
    let Some(Call { invocation, time, reply }) = runtime.waiting.lock().await.recv().await else {
        return std::future::pending().await;
    };
    drop(poll);
    let number = INVOCATIONS.fetch_add(1, Ordering::SeqCst);
    let id = format!("00000000-0000-4000-8000-{number:012}");
    runtime.rules.send_modify(|rules| rules.begin(&id, reply, invocation.fate, time));
    let deadline_ms = match time {
        Some(time) => {
            let deadline = SystemTime::now() + time;
            deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
        }
        None => 600_000,
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:0:function:f".to_owned()),
        ("lambda-runtime-trace-id", format!("Root=1-00000000-{number:024};Sampled=0")),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, invocation.payload.to_string()).into_response()
}

async fn error(
    State(runtime): State<Arc<Runtime>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let mut open = None;
    runtime.rules.send_modify(|rules| open = rules.answer(&id));
    let Some((reply, fate)) = open else { return StatusCode::BAD_REQUEST };
    debug_assert!(fate == Fate::Taken, "an error comes at once");
    runtime.end(&id);
    drop(reply.send(Reply::Failed(read(&body))));
    StatusCode::ACCEPTED
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    runtime.rules.send_modify(|rules| rules.init_error = Some(read(&body)));
    StatusCode::ACCEPTED
}

async fn register(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.rules.send_modify(|rules| rules.has_extension = true);
    let answer = serde_json::json!({
        "functionName": "f", "functionVersion": "$LATEST", "handler": "bootstrap",
    });
    ([("lambda-extension-identifier", "extension")], answer.to_string()).into_response()
}

async fn unknown(State(runtime): State<Arc<Runtime>>, path: axum::http::Uri) -> StatusCode {
    runtime.broke(format!("there is no {path}"));
    StatusCode::NOT_FOUND
}

/// What is no JSON stays the text that it is.
pub(super) fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
