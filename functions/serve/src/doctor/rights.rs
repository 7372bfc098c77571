use hookwire_edges::Words;
use hookwire_redis::redis::{Cmd, cmd};
use hookwire_redis::{Call, Connection, Fault, Purpose, Redis};
use tokio::sync::mpsc;

use super::Finding;

const ABOUT: &str = "redis";

/// What the relay calls, on a key that holds a text: whoever may call it is answered, or told that the text is no hash,
/// list or stream, and nothing changes.
const COMMANDS: [(&str, &[&str]); 20] = [
    ("GET", &[]),
    ("MGET", &[]),
    ("PTTL", &[]),
    ("PEXPIRE", &["10000"]),
    ("HGET", &["f"]),
    ("HGETALL", &[]),
    ("HSET", &["f", "v"]),
    ("HDEL", &["f"]),
    ("HLEN", &[]),
    ("HINCRBY", &["f", "1"]),
    ("LPOP", &[]),
    ("RPUSH", &["v"]),
    ("XADD", &["*", "f", "v"]),
    ("XLEN", &[]),
    ("XRANGE", &["-", "+", "COUNT", "1"]),
    ("XREVRANGE", &["+", "-", "COUNT", "1"]),
    ("XTRIM", &["MAXLEN", "1"]),
    ("XDEL", &["0-1"]),
    // Needs nothing but to be allowed.
    ("EVAL", &[]),
    ("XINFO", &[]),
];

/// Whether its user may do what the relay does, by doing it on a key of our own that is gone afterwards.
pub(super) async fn rights(redis: &Redis) -> Vec<Finding> {
    let key = redis.keys().key("probe", "doctor");
    let mut set = cmd("SET");
    set.arg(&key).arg("doctor").arg("PX").arg(10_000);
    let mut calls = vec![("SET", set)];
    calls.extend(COMMANDS.iter().map(|(name, rest)| (*name, command(name, &key, rest))));
    let mut publish = cmd(if redis.is_cluster() { "SPUBLISH" } else { "PUBLISH" });
    publish.arg(&key).arg("");
    let mut unlink = cmd("UNLINK");
    unlink.arg(&key);
    calls.extend([("TIME", cmd("TIME")), ("PUBLISH", publish), ("UNLINK", unlink)]);
    let mut denied = Vec::new();
    for (name, call) in &calls {
        let of = if *name == "TIME" { None } else { Some(key.as_str()) };
        match redis.call(Purpose::Read, Call::Command(call, of)).await {
            Err(Fault::Refused(text)) if is_denied(&text) => denied.push(*name),
            Err(fault @ Fault::Refused(_)) if *name == "SET" => {
                return vec![Finding::words(ABOUT, Words::REDIS_REFUSES, &fault.to_string())];
            }
            Ok(_) | Err(Fault::Refused(_)) => {}
            Err(fault) => {
                return vec![Finding::words(ABOUT, Words::REDIS_UNREACHABLE, &fault.to_string())];
            }
        }
    }
    if let Err(error) = subscribe(redis, &key).await {
        if !is_denied(&error) {
            let cause = format!("no subscription: {error}");
            return vec![Finding::words(ABOUT, Words::REDIS_UNREACHABLE, &cause)];
        }
        denied.push("SUBSCRIBE");
    }
    vec![told(&denied, calls.len() + 1)]
}

fn told(denied: &[&str], asked: usize) -> Finding {
    if denied.is_empty() {
        return Finding::ok(ABOUT, "its user has the rights that a relay needs");
    }
    let what = match denied.len() == asked {
        true => "anything with the keys of this namespace".to_owned(),
        false => denied.join(", "),
    };
    let text = format!("{}: its user may not do {what}", Words::REDIS_REFUSES.reason);
    let todo = "give it the rights that the README lists (ACL SETUSER)";
    Finding::bad(ABOUT, text, todo).of(Words::REDIS_REFUSES.incident)
}

fn command(name: &str, key: &str, rest: &[&str]) -> Cmd {
    let mut command = cmd(name);
    match name {
        "EVAL" => command.arg("return 1").arg(1).arg(key),
        "XINFO" => command.arg("STREAM").arg(key),
        _ => command.arg(key),
    };
    command.arg(rest);
    command
}

/// What Redis says of a command, a key or a channel that its user may not use.
fn is_denied(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("noperm") || text.contains("no permission")
}

async fn subscribe(redis: &Redis, channel: &str) -> Result<(), String> {
    let (pushes, _heard) = mpsc::unbounded_channel();
    let connection = redis.subscribe_with(pushes).await.map_err(|error| error.to_string())?;
    let subscribed = match connection {
        Connection::One(mut connection) => connection.subscribe(channel).await,
        Connection::Cluster(mut connection) => connection.ssubscribe(channel).await,
    };
    subscribed.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_that_the_readme_lists_is_tried() {
        let readme = include_str!("../../../../README.md");
        let line = readme.lines().find(|line| line.trim().starts_with("ACL SETUSER relay "));
        let listed = line.unwrap().split_whitespace().filter_map(|word| word.strip_prefix('+'));
        // Without these it had not answered, or had answered otherwise in a cluster; and what ends a subscription is not
        // called.
        let known = [
            "ping",
            "hello",
            "select",
            "role",
            "info",
            "evalsha",
            "subscribe",
            "unsubscribe",
            "ssubscribe",
            "sunsubscribe",
            "publish",
            "spublish",
            "cluster|slots",
            "set",
            "unlink",
            "time",
        ];
        for right in listed.filter(|right| !known.contains(right)) {
            let tried = COMMANDS.iter().any(|(name, _)| name.eq_ignore_ascii_case(right));
            assert!(tried, "{right}");
        }
    }
}
