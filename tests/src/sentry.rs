use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::relay::PATIENCE;

/// A Sentry on loopback: it takes envelopes as the real one does, keeps them, and can hang or refuse.
#[derive(Debug)]
pub struct Sentry {
    port: u16,
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Heard {
    /// What it was sent, whole, whatever it answered.
    envelopes: Mutex<Vec<String>>,
    asked: watch::Sender<usize>,
    behaves: watch::Sender<Behaviour>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Takes,
    Hangs,
    Refuses(u16),
}

impl Sentry {
    /// Starts it; it takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Heard {
            envelopes: Mutex::default(),
            asked: watch::Sender::new(0),
            behaves: watch::Sender::new(Behaviour::Takes),
        });
        let router = Router::new().route("/api/{project}/envelope/", post(take));
        let router = router.with_state(Arc::clone(&heard));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, heard, task }
    }

    /// Where it is, as a setting.
    #[must_use]
    pub fn dsn(&self) -> String {
        format!("http://{KEY}@127.0.0.1:{}/7", self.port)
    }

    /// Answers nothing from now on.
    pub fn hang(&self) {
        self.heard.behaves.send_replace(Behaviour::Hangs);
    }

    /// Answers with this status from now on.
    pub fn refuse(&self, status: u16) {
        self.heard.behaves.send_replace(Behaviour::Refuses(status));
    }

    /// Takes everything again.
    pub fn take(&self) {
        self.heard.behaves.send_replace(Behaviour::Takes);
    }

    /// Everything that it was sent, as it came.
    #[must_use]
    pub fn raw(&self) -> String {
        self.heard.envelopes.lock().unwrap().join("\n")
    }

    /// Every event that it was sent.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.heard.envelopes.lock().unwrap().iter().flat_map(|envelope| events(envelope)).collect()
    }

    /// The issues that it makes of them: events by their fingerprint.
    #[must_use]
    pub fn issues(&self) -> BTreeMap<String, Vec<Value>> {
        let mut issues = BTreeMap::new();
        for event in self.events() {
            let fingerprint = event["fingerprint"].as_array().expect("each has one").iter();
            let fingerprint: Vec<_> = fingerprint.map(|part| part.as_str().unwrap()).collect();
            issues.entry(fingerprint.join(" ")).or_insert_with(Vec::new).push(event);
        }
        issues
    }

    /// How often it was sent something.
    #[must_use]
    pub fn asked(&self) -> usize {
        *self.heard.asked.borrow()
    }

    /// Waits until it has heard enough, and shows what it has heard when that never comes.
    pub async fn until(&self, what: &str, is_enough: impl Fn(&Self) -> bool) {
        let mut asked = self.heard.asked.subscribe();
        let heard = async {
            while !is_enough(self) {
                asked.changed().await.unwrap();
            }
        };
        let heard = timeout(PATIENCE, heard).await;
        assert!(heard.is_ok(), "Sentry does not hear that {what}: {:#?}", self.events());
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn take(
    State(heard): State<Arc<Heard>>,
    Path(project): Path<u32>,
    headers: HeaderMap,
    envelope: String,
) -> (StatusCode, &'static str) {
    let auth = headers.get("x-sentry-auth").map(|auth| auth.to_str().unwrap().to_owned());
    let is_known = auth.is_some_and(|auth| auth.contains(&format!("sentry_key={KEY}")));
    if !is_known || project != 7 {
        return (StatusCode::FORBIDDEN, "{}");
    }
    heard.envelopes.lock().unwrap().push(envelope);
    let behaviour = *heard.behaves.borrow();
    heard.asked.send_modify(|asked| *asked += 1);
    match behaviour {
        Behaviour::Takes => (StatusCode::OK, "{}"),
        Behaviour::Refuses(status) => (StatusCode::from_u16(status).unwrap(), "{}"),
        Behaviour::Hangs => {
            let mut behaves = heard.behaves.subscribe();
            let freed = behaves.wait_for(|behaves| *behaves != Behaviour::Hangs);
            drop(timeout(Duration::from_mins(10), freed).await);
            (StatusCode::OK, "{}")
        }
    }
}

/// The events in an envelope: its header, then a header and a payload for each item, a line each.
fn events(envelope: &str) -> Vec<Value> {
    let lines: Vec<Value> =
        envelope.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let items = lines.chunks_exact(2).filter(|item| item[0]["type"] == "event");
    items.map(|item| item[1].clone()).collect()
}
