use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hookwire_telemetry::Stretch;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use sentry::{Envelope, Transport};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::subscriber::NoSubscriber;

use super::dsn::SentryDsn;

/// What is on its way to Sentry: few things, on a thread of their own, so that nobody waits for it.
#[derive(Debug)]
pub(super) struct Outbox {
    url: String,
    auth: String,
    /// The thread is there as soon as there is something to send: most processes never have anything.
    waiting: OnceLock<Option<SyncSender<Vec<u8>>>>,
    counts: Mutex<Counts>,
    done: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    /// Up to where somebody has waited: what hangs is waited for once.
    waited_for: u64,
}

/// More than that is not to be expected between two answers of Sentry, with the cap before it.
const WAITING: usize = 32;
/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long nothing is sent when Sentry wants no more and does not say for how long.
/// Source: <https://develop.sentry.dev/sdk/expected-features/rate-limiting/>
const PAUSE: Duration = Duration::from_mins(1);

impl Outbox {
    pub(super) fn new(dsn: &SentryDsn) -> Self {
        let agent = concat!("hookwire/", env!("CARGO_PKG_VERSION"));
        Self {
            url: dsn.dsn.envelope_api_url().to_string(),
            auth: dsn.dsn.to_auth(Some(agent)).to_string(),
            waiting: OnceLock::new(),
            counts: Mutex::default(),
            done: watch::Sender::default(),
        }
    }

    pub(super) fn count(outcome: &'static str) {
        metrics::counter!("hookwire_sentry_events_total", "outcome" => outcome).increment(1);
    }

    /// See [`Sentry::flush`](super::Sentry::flush).
    pub(super) async fn flush(&self, within: Duration) {
        let accepted = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            if counts.accepted == counts.waited_for {
                return;
            }
            counts.waited_for = counts.accepted;
            counts.accepted
        };
        let mut done = self.done.subscribe();
        drop(timeout(within, done.wait_for(|done| *done >= accepted)).await);
    }

    fn send(&self, body: Vec<u8>) {
        let waiting = self.waiting.get_or_init(|| self.start());
        // Before it is handed over: it may be sent before this goes on.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.accepted += 1;
        let sent = waiting.as_ref().map(|waiting| waiting.try_send(body));
        match sent {
            Some(Ok(())) => Self::count("sent"),
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                counts.accepted -= 1;
                Self::count("capped");
            }
        }
    }

    fn start(&self) -> Option<SyncSender<Vec<u8>>> {
        let (waiting, bodies) = sync_channel(WAITING);
        let sender = Sender { url: self.url.clone(), auth: self.auth.clone(), paused: None };
        let done = self.done.clone();
        let thread = std::thread::Builder::new().name("sentry".to_owned());
        thread.spawn(move || sender.send_all(&bodies, &done)).ok().map(|_thread| waiting)
    }
}

impl Transport for Outbox {
    fn send_envelope(&self, envelope: Envelope) {
        let mut body = Vec::new();
        if envelope.to_writer(&mut body).is_ok() {
            self.send(body);
        }
    }
}

/// Sends one after another.
struct Sender {
    url: String,
    auth: String,
    /// Since when, and for how long, Sentry wants nothing.
    paused: Option<(Instant, Duration)>,
}

impl Sender {
    fn send_all(mut self, bodies: &Receiver<Vec<u8>>, done: &watch::Sender<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // A connection that is kept would be dead after a process was frozen.
        let client = Client::builder().timeout(ANSWER_WITHIN).pool_max_idle_per_host(0).build();
        let mut trouble = Stretch::default();
        for body in bodies {
            let sent = match (&runtime, &client) {
                (Ok(runtime), Ok(client)) => {
                    // Whatever is logged in the course of it must not be told.
                    tracing::subscriber::with_default(NoSubscriber::new(), || {
                        runtime.block_on(self.send(client, body))
                    })
                }
                (_, Err(error)) => Err(error.to_string()),
                (Err(error), _) => Err(error.to_string()),
            };
            match sent {
                Ok(()) => drop(trouble.over(Instant::now())),
                Err(error) => {
                    if let Some(events) = trouble.again(Instant::now()) {
                        tracing::warn!(error, events, "Sentry does not take what it is told");
                    }
                }
            }
            done.send_modify(|done| *done += 1);
        }
    }

    async fn send(&mut self, client: &Client, body: Vec<u8>) -> Result<(), String> {
        if let Some((since, pause)) = self.paused {
            if since.elapsed() < pause {
                return Err("it wants no more for a while".to_owned());
            }
            self.paused = None;
        }
        let request = client.post(&self.url).header("X-Sentry-Auth", &self.auth).body(body);
        // The address has the project's number in it.
        let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let pause = seconds.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
            self.paused = Some((Instant::now(), pause.unwrap_or(PAUSE)));
        }
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("status {}", answer.status().as_u16())),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    format!("{error}{causes}")
}
