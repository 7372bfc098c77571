//! Takes out of an event what must not leave the house, whoever put it there.
//!
//! Nothing of it should ever be in a log line; this is for the day on which it is.

use sentry::protocol::{Context, Event, Value};

/// The event without tokens, addresses, paths of a home, query strings and whatever looks like a secret.
pub(super) fn event(mut event: Event<'static>) -> Event<'static> {
    event.user = None;
    event.request = None;
    event.extra.clear();
    event.modules.clear();
    for text in [&mut event.message, &mut event.culprit, &mut event.transaction, &mut event.logger]
    {
        scrub(text.as_mut());
    }
    if let Some(entry) = &mut event.logentry {
        scrub(Some(&mut entry.message));
        entry.params.clear();
    }
    event.tags.values_mut().for_each(|text| scrub(Some(text)));
    for exception in &mut event.exception.values {
        scrub(exception.value.as_mut());
        exception.stacktrace = None;
        exception.raw_stacktrace = None;
    }
    for breadcrumb in &mut event.breadcrumbs.values {
        scrub(breadcrumb.message.as_mut());
        breadcrumb.data.values_mut().for_each(value);
    }
    for context in event.contexts.values_mut() {
        if let Context::Other(fields) = context {
            fields.values_mut().for_each(value);
        }
    }
    event
}

fn value(value: &mut Value) {
    match value {
        Value::String(text) => scrub(Some(text)),
        Value::Array(values) => values.iter_mut().for_each(self::value),
        Value::Object(fields) => fields.values_mut().for_each(self::value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn scrub(text: Option<&mut String>) {
    if let Some(text) = text {
        *text = scrubbed(text);
    }
}

/// A text cannot be longer than this: what is, is no message.
const LONGEST: usize = 1_000;

/// What is put in the place of what is taken out.
const GONE: &str = "[removed]";

fn scrubbed(text: &str) -> String {
    let mut scrubbed = String::with_capacity(text.len().min(LONGEST));
    let mut is_after_key = false;
    for piece in text.split_inclusive(is_boundary) {
        let (word, rest) = match piece.char_indices().next_back() {
            Some((at, last)) if is_boundary(last) => piece.split_at(at),
            _ => (piece, ""),
        };
        if scrubbed.len() > LONGEST {
            scrubbed.push('…');
            break;
        }
        let is_word = word.contains(char::is_alphanumeric);
        match is_after_key && is_word {
            true => scrubbed.push_str(GONE),
            false => scrubbed.push_str(&judged(word)),
        }
        if is_word {
            let is_named = word.ends_with([':', '=']) || rest == "\"";
            is_after_key = is_key(word) && (is_named || word.eq_ignore_ascii_case("bearer"));
        }
        scrubbed.push_str(rest);
    }
    scrubbed
}

fn is_boundary(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}' | ',' | ';')
}

/// Whether what follows is a secret, as after `Bearer` or `password:`.
fn is_key(word: &str) -> bool {
    let word = word.trim_end_matches([':', '=']).to_ascii_lowercase();
    let word = word.rsplit(['.', '-', '_', '/']).next().unwrap_or_default();
    matches!(
        word,
        "bearer"
            | "basic"
            | "token"
            | "password"
            | "passwd"
            | "secret"
            | "cookie"
            | "authorization"
            | "signature"
    )
}

fn judged(word: &str) -> String {
    // No message has one as long, and cut short it could pass for something else.
    if word.len() > LONGEST {
        return GONE.to_owned();
    }
    // An address, or user and password before a host; also as it stands in a path.
    if word.contains('@') || word.contains("%40") || looks_secret(word) || is_public_address(word) {
        return GONE.to_owned();
    }
    if let Some((key, value)) = word.split_once('=')
        && is_key(key)
        && !value.is_empty()
    {
        return format!("{key}={GONE}");
    }
    // What stands behind a path may be anybody's.
    if let Some((path, query)) = word.split_once('?')
        && !query.is_empty()
        && path.contains('/')
    {
        return format!("{}?{GONE}", judged(path));
    }
    without_home(word)
}

/// Whether a part of it is too long and too mixed for a word: a token, a key, a hash, something in base64.
fn looks_secret(word: &str) -> bool {
    if is_uuid(word) {
        return false;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '=' | '%');
    word.split(|c| !is_part(c)).any(|part| {
        let has = |what: fn(&u8) -> bool| part.bytes().any(|byte| what(&byte));
        let digit = has(u8::is_ascii_digit);
        let mixed = digit && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        let hex = digit && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        part.starts_with("eyJ") || (mixed && part.len() >= 20) || (hex && part.len() >= 32)
    })
}

fn is_uuid(word: &str) -> bool {
    let groups: Vec<&str> = word.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether it is an address of the internet, and so perhaps a client's; those of a private network are servers of ours.
fn is_public_address(word: &str) -> bool {
    use std::net::{IpAddr, SocketAddr};
    let word = word.rsplit('/').next().unwrap_or_default();
    let address = word.trim_end_matches([':', '.']);
    let address: Option<IpAddr> = address
        .parse()
        .ok()
        .or_else(|| Some(address.parse::<SocketAddr>().ok()?.ip()))
        .or_else(|| address.rsplit_once(':')?.0.parse().ok());
    match address {
        None => false,
        Some(IpAddr::V4(v4)) => {
            !(v4.is_loopback() || v4.is_private() || v4.is_unspecified() || v4.is_link_local())
        }
        Some(IpAddr::V6(v6)) => {
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}

/// Whose home it is says who somebody is.
fn without_home(word: &str) -> String {
    for homes in ["/home/", "/Users/"] {
        if let Some((before, path)) = word.split_once(homes) {
            let rest = path.find('/').and_then(|at| path.get(at..)).unwrap_or_default();
            return format!("{before}~{rest}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_somebody_or_opens_something_is_taken_out() {
        for (secret, text) in [
            ("alice", "cannot append for alice@example.com, trying again"),
            ("alice", "topic gmail/alice@example.com"),
            ("alice", "topic alice%40example.com"),
            ("hunter2", "redis://user:hunter2@10.0.0.1:6379/0 refused"),
            ("hunter2", "password=hunter2"),
            ("hunter2", "Authorization: Bearer hunter2"),
            ("hunter2", r#"{"token": "hunter2"}"#),
            ("eyJhbGciOiJIUzI1NiJ9", "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbg"),
            ("aGVsbG8gd29ybGQgMTIzNDU", "data aGVsbG8gd29ybGQgMTIzNDU= is not JSON"),
            ("9f86d081884c7d65", "9f86d081884c7d659a2feaa0c55ad015"),
            ("ticket", "GET https://relay.example/events?ticket=abc"),
            ("alice", "cannot open /home/alice/hookwire/data"),
            ("alice", "cannot open file:///Users/alice/data"),
            ("203.0.113.7", "client 203.0.113.7 sent nothing"),
            ("203.0.113.7", "peer 203.0.113.7:51234: reset"),
            ("2001:db8::7", "client [2001:db8::7]:51234"),
        ] {
            let told = scrubbed(text);
            assert!(!told.contains(secret), "{text}: {told}");
        }
    }

    #[test]
    fn what_says_what_is_broken_stays() {
        for text in [
            "Redis does not answer",
            "no connection: Connection refused (os error 111)",
            "127.0.0.1:6379",
            "10.0.0.5:6379",
            "redis://10.0.0.5:6379/0",
            "the token is missing, or the secret",
            "hookwire_queue_sqs::trouble: SQS cannot be used",
            "shared/hookwire-log-redis/src/subscriber/task.rs:86:13",
            "NonExistentQueue: the queue does not exist, or not in this account and region; check its URL",
            "InvalidClientTokenId",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "2026-11-22T01:27:05Z",
            "infra/runbook.md#redis-unreachable",
            "hookwire@0.1.0+3953424",
            "6f9c1b2a3d4e5f60",
        ] {
            let expected = if text.contains("hookwire@") { GONE } else { text };
            assert_eq!(scrubbed(text), expected);
        }
    }

    #[test]
    fn a_text_that_is_no_message_is_cut() {
        assert!(scrubbed(&"word ".repeat(100_000)).len() < 2 * LONGEST);
        assert_eq!(scrubbed(&"word".repeat(100_000)).len(), GONE.len());
    }
}
