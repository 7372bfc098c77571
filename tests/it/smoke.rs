//! `scripts/smoke` tells a relay that works from one that does not.

mod fake;

use std::path::Path;
use std::process::Stdio;

use hookwire_tests::{Relay, RelayOptions, SECRET, token};
use serde_json::json;
use tokio::process::Command;

use self::fake::Lie;

const SOURCE: &str =
    "[[sources]]\nname = \"code\"\nkind = \"github\"\nsecret = \"a shared secret\"\n";
const STEPS: [&str; 7] = ["alive", "ready", "stream", "publish", "duplicate", "resume", "keys"];

/// What it prints, and whether it says that all is well.
async fn smoke(relay: &Relay, token: Option<&str>, arguments: &[&str]) -> (bool, String) {
    smoke_at(&relay.url(""), token, arguments).await
}

async fn smoke_at(url: &str, token: Option<&str>, arguments: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/smoke");
    let mut command = Command::new(script);
    command.arg(url).args(arguments).env_remove("HOOKWIRE_TOKEN");
    command.envs(token.map(|token| ("HOOKWIRE_TOKEN", token)));
    let output = command.kill_on_drop(true).stdin(Stdio::null()).output().await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), told + &String::from_utf8(output.stderr).unwrap())
}

/// Whether this step is told to have gone so.
fn is(told: &str, step: &str, how: &str) -> bool {
    told.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(step) && words.next() == Some(how)
    })
}

/// A token for everything that the script does.
fn all() -> String {
    token("smoke", &json!({ "subscribe": ["smoke/*", "github/**"], "publish": ["smoke/*"] }))
}

#[tokio::test]
async fn a_relay_that_works_passes_open_and_with_keys() {
    let open = Relay::start().await;
    let (ok, told) = smoke(&open, None, &[]).await;
    assert!(ok && STEPS.iter().all(|step| is(&told, step, "ok")), "{told}");

    let keys = RelayOptions::default().with_keys().file(SOURCE).start().await;
    let push = ["--source", "code", "--kind", "github", "--secret", "a shared secret"];
    let (ok, told) = smoke(&keys, Some(&all()), &push).await;
    assert!(ok && STEPS.iter().all(|step| is(&told, step, "ok")), "{told}");
    assert!(is(&told, "webhook", "ok") && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn a_token_that_is_not_good_or_does_not_cover_fails_and_how_to_make_one_is_told() {
    let relay = RelayOptions::default().with_keys().start().await;
    let reads = token("smoke", &json!({ "subscribe": ["smoke/*"] }));
    for (token, step) in [(None, "stream"), (Some("wrong"), "stream"), (Some(&*reads), "publish")] {
        let (ok, told) = smoke(&relay, token, &[]).await;
        assert!(!ok && is(&told, step, "FAILED"), "{told}");
        assert!(told.contains("hookwire token --user") && is(&told, "keys", "ok"), "{told}");
    }
}

#[tokio::test]
async fn what_does_not_arrive_and_what_is_lost_meanwhile_fails() {
    let relay = Relay::start().await;
    let other = Relay::start().await;
    let elsewhere = other.url("");
    let (ok, told) = smoke(&relay, None, &["--stream-url", &elsewhere, "--within", "1"]).await;
    assert!(!ok && is(&told, "stream", "ok") && is(&told, "publish", "FAILED"), "{told}");

    let forgetful = RelayOptions::default().set("RETENTION_EVENTS", 1).start().await;
    let (ok, told) = smoke(&forgetful, None, &[]).await;
    assert!(!ok && is(&told, "duplicate", "ok") && is(&told, "resume", "FAILED"), "{told}");
}

#[tokio::test]
async fn a_wrong_secret_and_a_relay_that_is_not_there_fail() {
    let mut relay = RelayOptions::default().file(SOURCE).start().await;
    let push = ["--source", "code", "--kind", "github", "--secret", "another secret"];
    let (ok, told) = smoke(&relay, None, &push).await;
    assert!(!ok && is(&told, "webhook", "FAILED") && is(&told, "resume", "ok"), "{told}");
    let url = relay.url("");
    relay.kill().await;
    let gone = Relay::start().await;
    let (ok, told) = smoke(&gone, None, &["--stream-url", &url]).await;
    assert!(!ok && is(&told, "stream", "FAILED") && told.contains("does not answer"), "{told}");
}

#[tokio::test]
async fn a_relay_that_repeats_skips_or_does_not_know_a_duplicate_fails() {
    for (lie, step, before) in [
        (Lie::DeliversTwice, "duplicate", "publish"),
        (Lie::SaysAppended, "duplicate", "publish"),
        (Lie::Skips, "resume", "duplicate"),
        (Lie::Repeats, "resume", "duplicate"),
    ] {
        let (ok, told) = smoke_at(&fake::start(lie).await, None, &[]).await;
        assert!(!ok && is(&told, before, "ok") && is(&told, step, "FAILED"), "{lie:?}\n{told}");
    }
}
