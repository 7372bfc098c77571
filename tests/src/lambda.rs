use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segments, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::process::Child;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::program::program;
use crate::relay::PATIENCE;

/// A Lambda function: its own binary, called through the runtime protocol as Lambda calls it.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
#[derive(Debug)]
pub struct Lambda {
    calls: mpsc::Sender<Call>,
    _process: Child,
}

#[derive(Debug)]
struct Call {
    payload: Value,
    answer: oneshot::Sender<Result<Value, Value>>,
}

#[derive(Debug)]
struct Runtime {
    calls: Mutex<mpsc::Receiver<Call>>,
    /// The call that the function works on; a classic function has one at a time.
    current: Mutex<Option<oneshot::Sender<Result<Value, Value>>>>,
    deadline: Duration,
}

impl Lambda {
    /// Starts the function of this package with these variables, in this folder.
    pub async fn start(
        package: &str,
        binary: &str,
        folder: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let (calls, received) = mpsc::channel(1);
        let runtime = Arc::new(Runtime {
            calls: Mutex::new(received),
            current: Mutex::new(None),
            deadline: Duration::from_secs(30),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(answered))
            .with_state(runtime);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut command = tokio::process::Command::new(program(package, binary));
        command.current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null());
        let process = command
            .envs(variables.iter().copied())
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", binary),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ])
            .spawn()
            .unwrap();
        Self { calls, _process: process }
    }

    /// Calls the function, and returns what it answers, or its error.
    pub async fn call(&self, payload: Value) -> Result<Value, Value> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { payload, answer }).await.unwrap();
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        answered.expect("the function answers").unwrap()
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let Some(call) = runtime.calls.lock().await.recv().await else {
        return std::future::pending().await;
    };
    *runtime.current.lock().await = Some(call.answer);
    let deadline = SystemTime::now() + runtime.deadline;
    let deadline_ms = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", "00000000-0000-0000-0000-000000000001".to_owned()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:0:function:f".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, call.payload.to_string()).into_response()
}

async fn answered(
    State(runtime): State<Arc<Runtime>>,
    Segments((_id, what)): Segments<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = if what == "response" { Ok(body) } else { Err(body) };
    if let Some(caller) = runtime.current.lock().await.take() {
        drop(caller.send(answer));
    }
    StatusCode::ACCEPTED
}
