use hookwire_boot::Warning;
use hookwire_edges::texts;
use hookwire_ingress::Proof;

use super::{Finding, Level};
use crate::config::{Config, LogChoice};

const ABOUT: &str = "settings";

/// What the settings say, and what is allowed and yet hardly meant.
pub(crate) fn settings(config: &Config, warnings: &[Warning]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = warnings
        .iter()
        .map(|warning| Finding::advice(Level::Warn, ABOUT, &warning.to_string()))
        .collect();
    let listen = config.listen;
    findings.push(Finding::ok(ABOUT, format!("the settings are good; listening on {listen}")));
    findings.extend(sources(config));
    findings.extend(access(config));
    if matches!(config.log, LogChoice::Memory(_)) {
        let text = "events are kept in memory, so that a restart forgets them";
        findings.push(Finding::warn(ABOUT, text, "set `log` where they are to stay"));
    }
    if config.queue.is_some() && config.ingress.max_body_bytes > LARGEST_MESSAGE {
        let text = "events that are still larger than 1 MiB when compressed do not fit into the queue, and `max_body` \
                    allows them";
        findings.push(Finding::warn(
            ABOUT,
            text,
            "lower `max_body`, or know that only the log has them",
        ));
    }
    findings
}

/// What a queue takes at most.
const LARGEST_MESSAGE: usize = 1024 * 1024;

fn sources(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &config.ingress.sources {
        let (name, path) = (&source.name, &source.path);
        let is_open = source.kind.proof() == Proof::Nothing;
        if is_open && !config.listen.ip().is_loopback() {
            let text = format!(
                "source {name} at {path} is not verified: anybody who reaches {} can push to it",
                config.listen
            );
            let todo = "give it a secret; for Google set `push_audience` and `push_email`";
            findings.push(Finding::warn("push", text, todo));
            continue;
        }
        let verified = if is_open { "not verified" } else { "verified" };
        findings.push(Finding::ok("push", format!("source {name} at {path} ({verified})")));
    }
    findings
}

fn access(config: &Config) -> Vec<Finding> {
    const ABOUT: &str = "access";
    let access = &config.access;
    if access.keys.is_empty() {
        let text =
            "keys: none, so it is open to this machine only; `jwt_secret` or `jwks` let others in";
        return vec![Finding::ok(ABOUT, text)];
    }
    let mut findings = vec![Finding::ok(ABOUT, format!("keys: {}", access.keys.join(", ")))];
    let doubts = access.doubts.iter();
    findings.extend(doubts.map(|doubt| Finding::advice(Level::Warn, ABOUT, doubt)));
    findings.push(match access.streams.most {
        0 => Finding::warn(
            ABOUT,
            "a user may open any number of streams",
            "set `streams_per_user`, or one user can take all connections",
        ),
        most => Finding::ok(ABOUT, format!("{most} streams for each user")),
    });
    let in_the_clear = |origin: &&String| {
        let host = origin
            .strip_prefix("http://")
            .map(|host| host.rsplit_once(':').map_or(host, |(host, _port)| host));
        host.is_some_and(|host| !matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
    };
    for origin in texts(&config.egress.cors_origins).iter().filter(in_the_clear) {
        let text = format!(
            "pages of {origin} reach their readers in the clear, and whoever changes them on the way can use the cookies \
             of those who read them"
        );
        findings.push(Finding::warn(ABOUT, text, "serve them over https"));
    }
    findings
}
