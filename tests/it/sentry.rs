//! What Sentry hears of: one issue for each kind of trouble, with its end, and nothing that is nobody's business.

use std::collections::BTreeMap;
use std::time::Duration;

use hookwire_redis_server::Server;
use hookwire_tests::{
    DeploymentOptions, Freezing, HttpEvent, Load, PATIENCE, Plan, Relay, RelayOptions, Sentry,
    gmail_push,
};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::redis::start_two;

/// The lines that somebody reads: not what is there only because the harness asks for it.
fn read_by_people(log: &str) -> Vec<&str> {
    let levels = [" INFO ", " WARN ", "ERROR "];
    log.lines().filter(|line| levels.iter().any(|level| line.contains(level))).collect()
}

fn states(events: &[Value]) -> BTreeMap<&str, usize> {
    let mut states = BTreeMap::new();
    for event in events {
        *states.entry(event["tags"]["state"].as_str().unwrap()).or_default() += 1;
    }
    states
}

/// A notification that can never be an event.
fn junk(id: u32) -> Value {
    gmail_push(&id.to_string(), "no address", 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_redis_under_load_is_one_issue_that_ends_and_a_screen_of_lines() {
    let sentry = Sentry::start().await;
    let mut server = Server::start().await;
    let options = RelayOptions::default().log(server.url());
    let relays = start_two(options.variable("SENTRY_DSN", sentry.dsn())).await;
    let load = Load::start(&relays, Plan::default()).await;
    load.accept(200).await;
    assert_eq!(sentry.events(), Vec::<Value>::new(), "nothing is broken");
    let before = relays.each_ref().map(|relay| relay.log().len());
    server.kill().await;
    let broken = |sentry: &Sentry, many| {
        sentry
            .issues()
            .get("redis-unreachable")
            .is_some_and(|events| states(events).get("broken") == Some(&many))
    };
    sentry.until("Redis is away, from each relay", |sentry| broken(sentry, 2)).await;
    server.restart().await;
    load.deliver_a_new_one().await;
    let over =
        |sentry: &Sentry| states(&sentry.issues()["redis-unreachable"]).get("over") == Some(&2);
    sentry.until("it is over, from each relay", over).await;
    load.accept(200).await;
    let outcome = load.finish().await;
    assert!(outcome.refused > 0, "{outcome:?}");
    let issues = sentry.issues();
    assert_eq!(issues.keys().collect::<Vec<_>>(), ["redis-unreachable"]);
    assert_eq!(issues["redis-unreachable"].len(), 4, "{issues:#?}");
    let first = &issues["redis-unreachable"][0];
    assert_eq!(first["message"], "Redis does not answer");
    let runbook = &first["contexts"]["trouble"]["runbook"];
    assert_eq!(runbook, "infra/runbook.md#redis-unreachable");
    assert!(!first["breadcrumbs"]["values"].as_array().unwrap().is_empty(), "{first}");
    for (relay, before) in relays.iter().zip(before) {
        let log = relay.log();
        let lines = read_by_people(&log[before..]);
        assert!(lines.len() <= 20, "{lines:#?}");
        let totals = lines.iter().find(|line| line.contains("the log takes events again"));
        assert!(totals.is_some_and(|line| line.contains("refused=")), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_sentry_that_hangs_costs_no_answer_and_does_not_hold_up_the_end() {
    let sentry = Sentry::start().await;
    sentry.hang();
    let options = RelayOptions::default().variable("SENTRY_DSN", sentry.dsn());
    let mut relay = options.start().await;
    for id in 0..50 {
        let answer: Value = relay.push("gmail", &junk(id)).await.json().await.unwrap();
        assert_eq!(answer["outcome"], "quarantined");
    }
    sentry.until("notifications are quarantined", |sentry| sentry.asked() == 1).await;
    assert_eq!(relay.push("gmail", &gmail_push("50", "a@example.com", 1)).await.status(), 200);
    relay.signal(Signal::TERM);
    assert_eq!(relay.wait().await, Some(0));
}

#[tokio::test]
async fn a_sentry_that_refuses_is_told_of_in_the_log_once() {
    let sentry = Sentry::start().await;
    sentry.refuse(500);
    let sources = "[[sources]]\nname = \"a\"\nkind = \"gmail\"\n[[sources]]\nname = \"b\"\nkind = \"gmail\"\n";
    let options = RelayOptions::default().file(sources).variable("SENTRY_DSN", sentry.dsn());
    let relay = options.start().await;
    for (id, source) in ["a", "b"].into_iter().enumerate() {
        assert_eq!(relay.push(source, &junk(id as u32)).await.status(), 200);
        sentry.until("notifications are quarantined", |sentry| sentry.asked() == id + 1).await;
    }
    let told = async {
        while !relay.log().contains("Sentry does not take") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it is told");
    assert_eq!(relay.log().matches("Sentry does not take").count(), 1);
    assert_eq!(sentry.issues().keys().collect::<Vec<_>>(), ["quarantine-fills"]);
}

#[tokio::test]
async fn a_flood_of_what_cannot_be_read_is_a_line_and_an_event() {
    let sentry = Sentry::start().await;
    let options = RelayOptions::default().set("CLIENT_LIMIT", 1_000_000);
    let relay = options.variable("SENTRY_DSN", sentry.dsn()).start().await;
    for id in 0..300 {
        assert_eq!(relay.push("gmail", &junk(id)).await.status(), 200);
    }
    sentry.until("notifications are quarantined", |sentry| sentry.asked() > 0).await;
    let log = relay.log();
    let lines = read_by_people(&log).into_iter().filter(|line| line.contains("quarantined a"));
    // A slow machine takes longer than ten seconds for all of them.
    assert!((1..=3).contains(&lines.count()));
    assert!(sentry.events().len() <= 3);
}

#[tokio::test]
async fn a_dsn_that_is_none_is_a_mistake_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Relay::command(folder.path());
    let command = command.arg("check").env("HOOKWIRE_LISTEN", "nowhere");
    let command =
        command.env("SENTRY_DSN", "https://sentry.example/zz7plant").env("SENTRY_SAMPLE_RATE", "2");
    let checked = command.env("SENTRY_AUTH_TOKEN", "of another program").output().await.unwrap();
    let told = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(!checked.status.success(), "{told}");
    for named in ["SENTRY_DSN", "SENTRY_SAMPLE_RATE", "HOOKWIRE_LISTEN"] {
        assert!(told.contains(named), "{named}: {told}");
    }
    assert!(!told.contains("zz7plant") && !told.contains("AUTH_TOKEN"), "{told}");
}

#[tokio::test]
async fn a_function_has_told_sentry_before_it_answers() {
    let (redis, sentry) = (Server::start().await, Sentry::start().await);
    let options = DeploymentOptions::over(&redis.url()).freezing(Freezing::AfterEachAnswer);
    let functions = options.variable("SENTRY_DSN", sentry.dsn()).start().await;
    let push = |body: &Value| functions.receive.call(HttpEvent::post("/webhooks/gmail").json(body));
    let answer = push(&gmail_push("1", "a@example.com", 1)).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(sentry.asked(), 0, "nothing was broken");
    assert_eq!(push(&junk(2)).await.unwrap()["statusCode"], 200);
    let events = sentry.events();
    assert_eq!(events.len(), 1, "it came before the answer");
    assert_eq!(
        (&events[0]["tags"]["incident"], &events[0]["tags"]["function"]),
        (&json!("quarantine-fills"), &json!("receive"))
    );
}

#[tokio::test]
async fn a_function_answers_though_sentry_hangs() {
    let (redis, sentry) = (Server::start().await, Sentry::start().await);
    sentry.hang();
    let options = DeploymentOptions::over(&redis.url()).freezing(Freezing::AfterEachAnswer);
    let functions = options.variable("SENTRY_DSN", sentry.dsn()).start().await;
    for id in 0..3 {
        let push = HttpEvent::post("/webhooks/gmail").json(&junk(id));
        let answer = tokio::time::timeout(Duration::from_secs(20), functions.receive.call(push));
        assert_eq!(answer.await.expect("it answers").unwrap()["statusCode"], 200);
    }
    assert_eq!(sentry.asked(), 1);
}
