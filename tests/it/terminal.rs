//! The tools of a terminal, and what a wrong start says.

use std::process::Stdio;
use std::time::Duration;

use hookwire_tests::{Relay, RelayOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
    serde_json::from_str(&line.expect("a line comes").unwrap().expect("it goes on")).unwrap()
}

fn tail(relay: &Relay, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Relay::command(relay.folder());
    command.args(["tail", "--json", "--url", &relay.url("/")]).args(arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[tokio::test]
async fn tail_follows_across_a_restart() {
    let mut relay = RelayOptions::default().on_disk().set("RETRY", "50ms").start().await;
    relay.publish("a", "1", &json!(1)).await;
    let (_tail, mut lines) = tail(&relay, &["--from", "earliest", "a", "b"]);
    assert_eq!(line(&mut lines).await["data"], 1);
    relay.kill().await;
    relay.restart().await;
    relay.publish("b", "2", &json!(2)).await;
    assert_eq!(line(&mut lines).await["data"], 2);
}

#[tokio::test]
async fn tail_goes_on_where_its_cursor_file_stands() {
    let relay = RelayOptions::default().start().await;
    for n in 1..=3 {
        relay.publish("a", &n.to_string(), &json!(n)).await;
    }
    let first =
        relay.get("/topics/a/events?limit=1").send().await.unwrap().json::<Value>().await.unwrap();
    std::fs::write(relay.folder().join("cursor"), first["next"].as_str().unwrap()).unwrap();
    let (_tail, mut lines) = tail(&relay, &["--cursor-file", "cursor", "a"]);
    assert_eq!(line(&mut lines).await["data"], 2);
    assert_eq!(line(&mut lines).await["data"], 3);
}

#[tokio::test]
async fn tail_runs_a_command_for_every_event_until_it_succeeds() {
    let relay = RelayOptions::default().start().await;
    relay.publish("a", "1", &json!("hello")).await;
    let command = "test -e once || { touch once; exit 1; }; cat > got";
    let (_tail, mut lines) = tail(&relay, &["--from", "earliest", "--exec", command, "a"]);
    assert_eq!(line(&mut lines).await["data"], "hello");
    let got = std::fs::read_to_string(relay.folder().join("got")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&got).unwrap()["data"], "hello");
}

#[tokio::test]
async fn publish_and_quarantine_speak_to_the_running_relay() {
    let relay = RelayOptions::default().on_disk().start().await;
    let run = async |arguments: &[&str]| {
        let url = relay.url("/");
        let mut command = Relay::command(relay.folder());
        let output = command.args(arguments).args(["--url", &url]).output().await.unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (ok, out, _) = run(&["publish", "gmail/a b", "1"]).await;
    assert!(!ok && out.is_empty());
    for outcome in ["appended", "duplicate"] {
        let (ok, out, err) =
            run(&["publish", "orders/eu", "{\"n\":1}", "--type", "order", "--id", "7"]).await;
        assert!(ok && out.contains(outcome), "{out} {err}");
    }
    relay.push("gmail", &json!({ "hello": 1 })).await;
    let (ok, out, err) = run(&["quarantine"]).await;
    assert!(!ok && out.is_empty() && err.contains("list"), "{err}");
    let list = Relay::command(relay.folder())
        .args(["quarantine", "--url", &relay.url("/"), "list"])
        .output()
        .await;
    assert!(String::from_utf8(list.unwrap().stdout).unwrap().contains("lacks a field"));
}

#[tokio::test]
async fn check_tells_every_mistake_at_once_and_hides_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("hookwire.toml"),
        "heartbeat = \"15\"\nretnetion_age = \"1h\"\n",
    )
    .unwrap();
    let mut command = Relay::command(folder.path());
    let log = "redis+sentinel://user:hunter2@h";
    command.arg("check").env("HOOKWIRE_LISTEN", "0.0.0.0:80").env("HOOKWIRE_LOG", log);
    let output = command.output().await.unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    for part in
        ["HOOKWIRE_LISTEN", "HOOKWIRE_LOG", "line 1", "retnetion_age", "retention_age", "loopback"]
    {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_relay_does_not_start_on_a_folder_or_an_address_in_use_and_says_so() {
    let relay = RelayOptions::default().on_disk().start().await;
    let mut second = Relay::command(relay.folder());
    let second = second.env("HOOKWIRE_LISTEN", "127.0.0.1:0").output().await.unwrap();
    assert!(!second.status.success());
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("in use by another process"), "{told}");

    let folder = tempfile::tempdir().unwrap();
    let mut third = Relay::command(folder.path());
    let third = third.env("HOOKWIRE_LISTEN", relay.address()).output().await.unwrap();
    assert!(!third.status.success());
    assert!(String::from_utf8(third.stderr).unwrap().contains("cannot listen on"));
}
