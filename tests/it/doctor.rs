//! What `hookwire doctor` finds, and that `/readyz` says the same.

mod disk;
mod listen;
mod published;
mod queue;
mod redis;

use std::path::Path;

use hookwire_tests::Relay;
use serde_json::Value;

/// What the program found, as it says it to programs.
struct Found {
    well: bool,
    findings: Vec<Value>,
    text: String,
}

impl Found {
    /// Whether something is told at this level, of this, with this in its text or in what to do.
    fn has(&self, level: &str, about: &str, part: &str) -> bool {
        self.findings.iter().any(|finding| {
            let text = format!("{}; {}", finding["text"], finding["do"]);
            finding["level"] == level && finding["about"] == about && text.contains(part)
        })
    }

    /// Demands that it is told, that the program fails if it is bad, and that nothing else is bad.
    #[track_caller]
    fn expect(&self, level: &str, about: &str, part: &str) {
        assert!(
            self.has(level, about, part),
            "{level} {about} {part} is missing in:\n{}",
            self.text
        );
        let bad = self.findings.iter().filter(|finding| finding["level"] == "bad");
        let others = bad.filter(|finding| finding["about"] != about);
        assert_eq!(others.count(), 0, "{}", self.text);
        assert_eq!(self.well, level != "bad", "{}", self.text);
    }

    /// The incidents of what is bad.
    fn incidents(&self) -> Vec<&str> {
        let bad = self.findings.iter().filter(|finding| finding["level"] == "bad");
        bad.filter_map(|finding| finding["incident"].as_str()).collect()
    }
}

/// Runs `hookwire doctor` in this folder with these variables, once for people and once for programs.
async fn doctor(folder: &Path, variables: &[(&str, &str)]) -> Found {
    let run = async |arguments: &[&str]| {
        let mut command = Relay::command(folder);
        command.env("HOOKWIRE_LISTEN", "127.0.0.1:0").env("HOOKWIRE_LOG", "memory:");
        command.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
        let output = command.args(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, text, said) = run(&["doctor"]).await;
    let (code_of_json, json, _) = run(&["doctor", "--json"]).await;
    assert_eq!(code, code_of_json, "{text}{json}");
    assert!(matches!(code, Some(0 | 1)), "{said}");
    let told: Value = serde_json::from_str(&json).unwrap();
    let findings = told["findings"].as_array().unwrap().clone();
    assert_eq!(text.lines().count(), findings.len(), "one line each:\n{text}");
    for line in text.lines() {
        assert!(["ok  ", "warn", "bad "].contains(&&line[..4]), "{line}");
    }
    let bad = findings.iter().filter(|finding| finding["level"] == "bad").count();
    assert_eq!(told["bad"], bad);
    let text = format!("{text}{said}");
    for secret in ["hunter2", "@example.com"] {
        assert!(!format!("{text}{json}").contains(secret), "{text}");
    }
    Found { well: code == Some(0), findings, text }
}

/// The same where the files of nobody matter.
async fn doctor_anywhere(variables: &[(&str, &str)]) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let found = doctor(folder.path(), variables).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it left something");
    found
}

#[tokio::test]
async fn a_relay_without_settings_has_nothing_bad() {
    let found = doctor_anywhere(&[("HOOKWIRE_LOG", "fjall:./hookwire-data")]).await;
    found.expect("ok", "settings", "the settings are good");
    found.expect("ok", "log", "is made at the start");
    found.expect("ok", "listen", "free");
    doctor_anywhere(&[]).await.expect("warn", "settings", "a restart forgets them");
}

#[tokio::test]
async fn every_mistake_in_the_settings_is_told_without_its_secret() {
    let found = doctor_anywhere(&[
        ("HOOKWIRE_LOG", "redis+sentinel://user:hunter2@h"),
        ("HOOKWIRE_HEARTBEAT", "soon"),
        ("HOOKWIRE_JWT_SECRET", "ssm:/hookwire/secret"),
    ])
    .await;
    found.expect("bad", "settings", "HOOKWIRE_LOG");
    found.expect("bad", "settings", "HOOKWIRE_HEARTBEAT");
    found.expect("bad", "settings", "HOOKWIRE_JWT_SECRET");
}

#[tokio::test]
async fn what_is_allowed_and_hardly_meant_is_told() {
    let secret = ("HOOKWIRE_JWT_SECRET", hookwire_tests::SECRET);
    let folder = tempfile::tempdir().unwrap();
    let source = "[[sources]]\nname = 'a'\nkind = 'gmail'\nverification = 'none'\n";
    std::fs::write(folder.path().join("hookwire.toml"), source).unwrap();
    let open = [secret, ("HOOKWIRE_LISTEN", "0.0.0.0:0"), ("HOOKWIRE_STREAMS_PER_USER", "0")];
    let found = doctor(folder.path(), &open).await;
    found.expect("warn", "push", "anybody who reaches");
    found.expect("warn", "access", "any number of streams");
    let few = ("HOOKWIRE_MAX_CONNECTIONS", "10000000");
    doctor_anywhere(&[few]).await.expect("warn", "limits", "max_connections");
    let found = doctor_anywhere(&[secret, ("HOOKWIRE_MAX_CONNECTIONS", "10")]).await;
    found.expect("ok", "limits", "enough for 10 connections");
    found.expect("ok", "access", "3 streams for each user");
}
