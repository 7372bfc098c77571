//! The relay's own log: changed while it runs, by those who may.

use hookwire_tests::{PATIENCE, Relay, RelayOptions, token};
use serde_json::{Value, json};

async fn filter(relay: &Relay) -> String {
    let told: Value = relay.get("/admin/log").send().await.unwrap().json().await.unwrap();
    told["filter"].as_str().unwrap().to_owned()
}

/// Waits until the log holds this; the harness reads it a moment later.
async fn logged(relay: &Relay, text: &str) {
    let logged = async {
        while !relay.log().contains(text) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, logged).await.unwrap_or_else(|_| panic!("{text} is not logged"));
}

#[tokio::test]
async fn what_is_logged_changes_while_the_relay_runs() {
    let relay = RelayOptions::default().variable("RUST_LOG", "info").start().await;
    assert_eq!(filter(&relay).await, "info");
    let push = |id: &'static str| hookwire_tests::gmail_push(id, "a@example.com", 1);
    relay.push("gmail", &push("first-of-them")).await;
    let changed = relay.put("/admin/log").body("info,hookwire_ingress=debug").send().await.unwrap();
    assert_eq!(changed.status(), 200);
    logged(&relay, "change-log-filter").await;
    relay.push("gmail", &push("second-of-them")).await;
    logged(&relay, "second-of-them").await;
    assert!(!relay.log().contains("first-of-them"), "{}", relay.log());
    let for_a_while = relay.put("/admin/log?for=1s").body("error").send().await.unwrap();
    assert_eq!(for_a_while.status(), 200);
    logged(&relay, "one of before again").await;
    assert_eq!(filter(&relay).await, "info,hookwire_ingress=debug");
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused_with_what_would_be_right() {
    let relay = RelayOptions::default().variable("RUST_LOG", "info").start().await;
    for (query, wrong) in [
        ("", "debg"),
        ("", "hookwire=loud"),
        ("?for=ever", "info"),
        ("?for=3d", "info"),
        ("?fro=1m", "info"),
    ] {
        let refused = relay.put(&format!("/admin/log{query}")).body(wrong).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{query} {wrong}");
        let problem: Value = refused.json().await.unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("level") || detail.contains("for") || detail.contains("fro"),
            "{detail}"
        );
    }
    assert_eq!(filter(&relay).await, "info");
}

#[tokio::test]
async fn only_an_administrator_changes_it_and_the_terminal_can() {
    let relay = RelayOptions::default().with_keys().start().await;
    let user = token("user", &json!({ "subscribe": ["**"], "publish": ["**"] }));
    for (proof, status) in [(None, 401), (Some(&user), 403)] {
        let request = relay.put("/admin/log").body("trace");
        let request = match proof {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let admin = token("admin", &json!({ "admin": true }));
    let log = async |arguments: &[&str]| {
        let mut command = Relay::command(relay.folder());
        let command = command.args(["log", "--url", &relay.url("/")]).args(arguments);
        let said = command.env("HOOKWIRE_TOKEN", &admin).output().await.unwrap();
        (said.status.success(), String::from_utf8([said.stdout, said.stderr].concat()).unwrap())
    };
    assert_eq!(log(&["warn", "--for", "10m"]).await, (true, "warn\n".to_owned()));
    assert_eq!(log(&[]).await, (true, "warn\n".to_owned()));
    let (is_done, said) = log(&["lout"]).await;
    assert!(!is_done && said.contains("`lout` has no level"), "{said}");
}
