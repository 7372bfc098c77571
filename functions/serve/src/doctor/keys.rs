use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookwire_edges::Words;
use hookwire_jwks::{Jwks, Published};
use tokio::task::JoinSet;

use super::plain::plain;
use super::{Finding, clock};
use crate::config::Config;

const ABOUT: &str = "keys";

/// Whether the published keys can be fetched, and what their servers' clocks say of ours.
pub(super) async fn keys(config: &Config) -> Vec<Finding> {
    let of_tokens = config.access.jwks.iter().cloned();
    let mut fetches = JoinSet::new();
    for keys in config.ingress.keys().chain(of_tokens) {
        fetches.spawn(async move { one(&keys).await });
    }
    fetches.join_all().await.concat()
}

async fn one(keys: &Arc<Jwks>) -> Vec<Finding> {
    let location = keys.location();
    let asked = SystemTime::now();
    let published = match keys.look().await {
        Ok(published) => published,
        Err(error) => {
            let cause = format!("{:#}", anyhow::Error::new(error));
            let (why, todo) = plain(&cause).unwrap_or(("", Words::KEYS_UNAVAILABLE.todo));
            let text = format!("{location}: {why}{cause}");
            return vec![Finding::bad(ABOUT, text, todo).of(Words::KEYS_UNAVAILABLE.incident)];
        }
    };
    let answered = SystemTime::now();
    let Published { keys, lifetime, says_lifetime, date } = published;
    let mut text = format!("{location}: {keys} keys, fetched again in {}", shown(lifetime));
    if !says_lifetime {
        text.push_str(", since it says no max-age");
    }
    let mut findings = vec![Finding::ok(ABOUT, text)];
    if let Some(date) = date {
        // It shows whole seconds.
        let shown = (date, date + Duration::from_secs(1));
        findings.push(clock::compared(&format!("{location}"), shown, (asked, answered)));
    }
    findings
}

fn shown(lifetime: Duration) -> String {
    match lifetime.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
