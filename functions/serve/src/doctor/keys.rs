use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookwire_edges::Words;
use hookwire_jwks::{Jwks, Published};
use tokio::task::JoinSet;

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

/// What is wrong with a certificate, or a connection, in plain words, and what to do.
fn plain(cause: &str) -> Option<(&'static str, &'static str)> {
    let cause = cause.to_ascii_lowercase();
    let of = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if of(&["certificate expired", "certexpired"]) {
        return Some((
            "its certificate has expired, or this machine's clock is ahead: ",
            "set the clock by NTP, or have its owner renew the certificate",
        ));
    }
    if of(&["not valid yet", "notvalidyet"]) {
        return Some((
            "its certificate is not valid yet, or this machine's clock is behind: ",
            "set the clock by NTP",
        ));
    }
    if of(&["unknownissuer", "unknown issuer", "selfsigned", "self-signed", "self signed"]) {
        return Some((
            "nobody whom this machine trusts has signed its certificate: ",
            "install the authority that did (`ca-certificates`), and see whether something on the way reads along",
        ));
    }
    if of(&["notvalidforname", "not valid for name"]) {
        return Some((
            "its certificate is that of another name: ",
            "check the address, and whether its name leads to the right server",
        ));
    }
    if of(&["dns error", "lookup address"]) {
        return Some((
            "its name is not known here: ",
            "check the address, and the name servers of this machine",
        ));
    }
    None
}

fn shown(lifetime: Duration) -> String {
    match lifetime.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_plain_words() {
        for (cause, said) in [
            ("invalid peer certificate: certificate expired: verification time 1", "has expired"),
            ("invalid peer certificate: certificate not valid yet: x", "not valid yet"),
            ("invalid peer certificate: UnknownIssuer", "nobody whom this machine trusts"),
            ("invalid peer certificate: certificate not valid for name \"a\"", "another name"),
            ("dns error: failed to lookup address information", "not known here"),
        ] {
            assert!(plain(cause).unwrap().0.contains(said), "{cause}");
        }
        assert_eq!(plain("connection refused"), None);
    }
}
