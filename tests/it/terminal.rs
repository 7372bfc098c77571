//! The tools of a terminal, and what a wrong start says.

use std::process::Stdio;
use std::time::Duration;

use hookwire_tests::{Relay, RelayOptions, SECRET};
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

/// Runs the program where a relay runs, with these variables, and returns whether it succeeded and what it said.
async fn run(
    relay: &Relay,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> (bool, String, String) {
    let mut command = Relay::command(relay.folder());
    command.args(arguments).envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A token that the program makes for the relay's secret, and nothing else that it prints.
async fn minted(relay: &Relay, arguments: &[&str]) -> String {
    let arguments = [&["token"], arguments].concat();
    let (ok, out, err) = run(relay, &[("HOOKWIRE_JWT_SECRET", SECRET)], &arguments).await;
    assert!(ok && err.is_empty(), "{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    out.trim_end().to_owned()
}

#[tokio::test]
async fn a_minted_token_opens_what_it_says_to_the_tools_and_a_revocation_ends_that() {
    let relay = RelayOptions::default().with_keys().set("RETRY", "50ms").start().await;
    let url = relay.url("/");
    let alice = minted(
        &relay,
        &[
            "--user",
            "alice",
            "--subscribe",
            "a",
            "--subscribe",
            "b/*",
            "--publish",
            "a",
            "--tenant",
            "acme",
        ],
    )
    .await;
    let admin = minted(&relay, &["--user", "root", "--admin", "--for", "5m"]).await;
    let mut tail = Relay::command(relay.folder());
    tail.args(["tail", "--json", "--url", &url, "--from", "earliest", "a", "b/c"]);
    let mut tail = tail.env("HOOKWIRE_TOKEN", &alice).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();

    let publish = ["publish", "--url", &url, "a", "1"];
    let (ok, _, err) = run(&relay, &[], &publish).await;
    assert!(!ok && err.contains("401") && err.contains("JWT"), "{err}");
    let (ok, _, err) = run(&relay, &[("HOOKWIRE_TOKEN", &admin)], &publish).await;
    assert!(!ok && err.contains("403"), "{err}");
    let (ok, out, err) = run(&relay, &[], &[&publish[..], &["--token", &alice]].concat()).await;
    assert!(ok && out.contains("appended"), "{err}");
    assert_eq!(line(&mut lines).await["data"], 1);

    let list = ["quarantine", "--url", &url, "list"];
    assert!(!run(&relay, &[("HOOKWIRE_TOKEN", &alice)], &list).await.0);
    assert!(run(&relay, &[("HOOKWIRE_TOKEN", &admin)], &list).await.0);

    let revoke = ["revoke", "--url", &url, "--user", "alice"];
    assert!(!run(&relay, &[("HOOKWIRE_TOKEN", &alice)], &revoke).await.0);
    let (ok, out, err) =
        run(&relay, &[("HOOKWIRE_TOKEN", &admin)], &[&revoke[..], &["--tenant", "acme"]].concat())
            .await;
    assert!(ok && out.contains("revoked"), "{err}");
    let ended = tokio::time::timeout(Duration::from_secs(60), tail.wait()).await;
    assert!(!ended.expect("it ends, since nothing can bring it back").unwrap().success());
}

#[tokio::test]
async fn one_token_is_revoked_by_its_id_and_the_users_other_ones_go_on() {
    let relay = RelayOptions::default().with_keys().start().await;
    let url = relay.url("/");
    let lost = minted(&relay, &["--user", "alice", "--publish", "a", "--id", "lost"]).await;
    let kept = minted(&relay, &["--user", "alice", "--publish", "a", "--id", "kept"]).await;
    let admin = minted(&relay, &["--user", "root", "--admin"]).await;
    let revoke = ["revoke", "--url", &url, "--token-id", "lost", "--token", &admin];
    assert!(run(&relay, &[], &revoke).await.0);
    let publish = ["publish", "--url", &url, "a", "1", "--token"];
    let (ok, _, err) = run(&relay, &[], &[&publish[..], &[&lost]].concat()).await;
    assert!(!ok && err.contains("revoked"), "{err}");
    assert!(run(&relay, &[], &[&publish[..], &[&kept]].concat()).await.0);
    let (ok, _, err) = run(&relay, &[], &["revoke", "--url", &url]).await;
    assert!(!ok && err.contains("--user"), "{err}");
}

#[tokio::test]
async fn a_token_is_only_made_where_the_relay_would_take_it() {
    let relay = RelayOptions::default().start().await;
    let (ok, out, err) = run(&relay, &[], &["token", "--user", "alice"]).await;
    assert!(!ok && out.is_empty(), "{out}");
    for part in ["HOOKWIRE_JWT_SECRET", "openssl rand"] {
        assert!(err.contains(part), "{part} is missing in:\n{err}");
    }
    let secret = [("HOOKWIRE_JWT_SECRET", SECRET), ("HOOKWIRE_JWT_AUDIENCE", "relay")];
    for (wrong, told) in [
        (["--user", "", "--admin"].as_slice(), "sub"),
        (&["--user", "a", "--for", "60d"], "live"),
        (&["--user", "a", "--for", "1 week"], "unit"),
        (&["--user", "a", "--subscribe", "a/*b"], "whole segment"),
        (&["--user", "a", "--tenant", "a/b"], "tenant"),
    ] {
        let (ok, out, err) = run(&relay, &secret, &[&["token"], wrong].concat()).await;
        assert!(!ok && out.is_empty() && err.contains(told), "{told} is missing in:\n{err}");
        assert!(!err.contains(SECRET), "{err}");
    }
    let taken = RelayOptions::default().with_keys().set("JWT_AUDIENCE", "relay");
    let taken = taken.set("JWT_ISSUER", "https://login.example.com").start().await;
    let issued = [&secret[..], &[("HOOKWIRE_JWT_ISSUER", "https://login.example.com")]].concat();
    let (_, token, err) = run(&relay, &issued, &["token", "--user", "a", "--subscribe", "a"]).await;
    let answer = taken.get("/topics/a/events").bearer_auth(token.trim_end()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{err}");
}

#[tokio::test]
async fn check_says_which_keys_there_are_and_what_is_hardly_meant() {
    let relay = RelayOptions::default().start().await;
    let (ok, out, _) = run(&relay, &[("HOOKWIRE_TOKEN", "a")], &["check"]).await;
    assert!(ok && out.contains("keys: none") && !out.contains("\nbad "), "{out}");
    let variables = [
        ("HOOKWIRE_JWT_SECRET", SECRET),
        ("HOOKWIRE_JWKS", "https://login.example.com/jwks.json"),
        ("HOOKWIRE_JWT_ALGORITHMS", "ES256"),
        ("HOOKWIRE_QUERY_TOKENS", "on"),
        ("HOOKWIRE_CORS_ORIGINS", "http://app.example.com,http://localhost:3000,https://b.example"),
    ];
    let (ok, out, _) = run(&relay, &variables, &["check"]).await;
    assert!(ok && !out.contains(SECRET), "{out}");
    for part in [
        "(HS256)",
        "https://login.example.com/jwks.json (ES256)",
        "query_tokens",
        "jwt_audience",
        "http://app.example.com",
    ] {
        assert!(out.contains(part), "{part} is missing in:\n{out}");
    }
    assert_eq!(out.matches("warn access:").count(), 3, "{out}");
    let open = [variables[0], ("HOOKWIRE_LISTEN", "0.0.0.0:80")];
    let (ok, _, err) = run(&relay, &open, &["check"]).await;
    assert!(!ok && err.contains("push_audience"), "{err}");
    let (ok, out, _) = run(&relay, &variables[1..2], &["check"]).await;
    assert!(ok && out.contains("ticket_secret"), "{out}");
}

#[tokio::test]
async fn probe_finds_the_relay_of_this_machine_by_its_settings_and_fails_when_it_is_gone() {
    let mut relay = RelayOptions::default().start().await;
    let (address, url) = (relay.address().to_owned(), relay.url("/"));
    let port = address.rsplit_once(':').unwrap().1;
    // A machine with a proxy has its relay without one.
    let proxy = ("HTTP_PROXY", "http://127.0.0.1:1");
    for listen in [&address, &format!("0.0.0.0:{port}")] {
        let variables = [("HOOKWIRE_LISTEN", listen.as_str()), proxy];
        for (arguments, told) in
            [(["probe"].as_slice(), "alive\n"), (&["probe", "--ready"], "ready\n")]
        {
            let (ok, out, err) = run(&relay, &variables, arguments).await;
            assert!(ok && out == told, "{listen}: {out} {err}");
        }
    }
    let (ok, _, err) = run(&relay, &[("HOOKWIRE_LISTEN", "127.0.0.1:0")], &["probe"]).await;
    assert!(!ok && err.contains("--url"), "{err}");
    assert!(run(&relay, &[], &["probe", "--url", &url]).await.0);
    relay.kill().await;
    let (ok, out, err) = run(&relay, &[], &["probe", "--url", &url]).await;
    assert!(!ok && out.is_empty() && err.contains("no relay answers at"), "{out} {err}");
}

#[tokio::test]
async fn probe_says_why_a_relay_that_lives_cannot_serve() {
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let log = format!("redis://{}", silent.local_addr().unwrap());
    let relay = RelayOptions::default().log(log).start().await;
    let url = relay.url("/");
    assert!(run(&relay, &[], &["probe", "--url", &url]).await.0);
    let (ok, out, err) = run(&relay, &[], &["probe", "--ready", "--url", &url]).await;
    assert!(!ok && out.is_empty(), "{out}");
    assert!(err.contains("is not ready: Redis does not answer"), "{err}");
}
