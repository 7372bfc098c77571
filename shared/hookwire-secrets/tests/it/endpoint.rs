use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// Answers as it is told to, on 127.0.0.1, and keeps what it was asked.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Body(u16, String),
    /// The request is taken, and that is all.
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Endpoint {
    /// Gives these answers one after another, and the last one again and again.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        let shared = Arc::new(Shared { answers, ..Shared::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// Everything that it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Variables that point at it, with credentials.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKID".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned()),
            ("AWS_SESSION_TOKEN", "session".to_owned()),
            ("AWS_ENDPOINT_URL", self.url.clone()),
        ]
    }
}

impl Answer {
    pub(crate) fn secret(text: &str) -> Self {
        Self::Body(200, format!(r#"{{"Name":"a","SecretString":{text:?}}}"#))
    }

    pub(crate) fn refusal(status: u16, code: &str) -> Self {
        Self::Body(status, format!(r#"{{"__type":"{code}","Message":"hunter2"}}"#))
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.into()).unwrap();
    shared.asked.lock().unwrap().push(Asked { path: uri.path().to_owned(), headers, body });
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        let last = answers.len() == 1;
        if last { answers.front().cloned() } else { answers.pop_front() }.unwrap()
    };
    match answer {
        Answer::Never => pending().await,
        Answer::Body(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
    }
}
