use std::path::Path;
use std::process::Stdio;

use hookwire_tests::{Metrics, Relay, RelayOptions};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{api, everything};

/// As Prometheus asks.
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

/// A relay that has counted something of most kinds.
async fn busy() -> Relay {
    let relay = Relay::start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    relay.publish("a", "1", &json!(1)).await;
    stream.event().await;
    relay.push("gmail", &json!({})).await;
    relay
}

/// What a program says of a page, and whether it likes it.
async fn judged(mut program: Command, page: &str) -> (bool, String) {
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = program.spawn().expect("`scripts/test` installs it");
    child.stdin.take().unwrap().write_all(page.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn prometheus_own_tools_read_the_page_and_have_nothing_to_say() {
    let relay = busy().await;
    let answer = relay.get("/metrics").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let page = answer.text().await.unwrap();
    let check = || {
        let mut check = Command::new("promtool");
        check.args(["check", "metrics"]);
        check
    };
    assert_eq!(judged(check(), &page).await, (true, String::new()));
    let (likes, said) = judged(check(), &page.replace("# HELP", "# HELPLESS")).await;
    assert!(!likes, "it would say so: {said}");
}

#[tokio::test]
async fn openmetrics_is_what_its_own_parser_takes() {
    let relay = busy().await;
    let answer = relay.get("/metrics").header("accept", OPEN_METRICS).send().await.unwrap();
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.headers()["content-type"], media_type);
    let page = answer.text().await.unwrap();
    let parse = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        let mut parse = Command::new(folder.join(".venv/bin/python"));
        parse.arg(folder.join("openmetrics.py"));
        parse
    };
    let (likes, said) = judged(parse(), &page).await;
    assert!(likes, "{said}");
    assert!(said.trim().parse::<usize>().unwrap() > 20, "{said}");
    assert!(!judged(parse(), page.trim_end_matches("# EOF\n")).await.0, "it would say so");
}

#[tokio::test]
async fn only_an_administrator_is_told_and_a_token_that_lasts_is_enough() {
    let relay = RelayOptions::default().with_keys().set("JWT_MAX_LIFETIME", "366d").start().await;
    assert_eq!(relay.get("/metrics").send().await.unwrap().status(), 401);
    let nobody = api(&relay, hookwire_tests::token("bob", &json!({ "subscribe": ["**"] })));
    assert_eq!(nobody.get("/metrics").send().await.unwrap().status(), 403);
    Metrics::of(&api(&relay, everything("admin"))).await;
    let mut command = Relay::command(relay.folder());
    command
        .env("HOOKWIRE_JWT_SECRET", hookwire_tests::SECRET)
        .env("HOOKWIRE_JWT_MAX_LIFETIME", "366d");
    command.args(["token", "--user", "prometheus", "--admin", "--for", "365d"]);
    let made = command.output().await.unwrap();
    let token = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Metrics::of(&api(&relay, token.trim().to_owned())).await;
}

#[tokio::test]
async fn switched_off_nothing_is_counted() {
    let relay = RelayOptions::default().set("METRICS", "off").start().await;
    relay.publish("a", "1", &json!(1)).await;
    let answer = relay.get("/metrics").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await.unwrap().contains("metrics-off"));
}
