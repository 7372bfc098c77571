use hookwire_redis_server::Server;
use hookwire_tests::RelayOptions;
use serde_json::Value;

use super::{doctor, doctor_anywhere};
use crate::queue::until;

#[tokio::test]
async fn a_port_that_another_program_has_is_bad() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let found = doctor_anywhere(&[("HOOKWIRE_LISTEN", &address)]).await;
    found.expect("bad", "listen", "taken by a program");
    let found = doctor_anywhere(&[
        ("HOOKWIRE_LISTEN", "192.0.2.1:80"),
        ("HOOKWIRE_JWT_SECRET", hookwire_tests::SECRET),
        ("HOOKWIRE_PUSH_AUDIENCE", "https://relay.example"),
        ("HOOKWIRE_PUSH_EMAIL", "push@example.org"),
        ("HOOKWIRE_PUSH_JWKS", hookwire_tests::oidc_fixture("jwks-a.json").to_str().unwrap()),
    ])
    .await;
    found.expect("bad", "listen", "cannot listen on 192.0.2.1:80");
}

/// What `/readyz` says.
async fn ready(relay: &hookwire_tests::Relay) -> Value {
    relay.get("/readyz").send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn what_a_running_relay_says_of_itself_is_passed_on_in_its_words() {
    let mut redis = Server::start().await;
    let relay = RelayOptions::default().log(redis.url()).start().await;
    until("it is ready", async || ready(&relay).await["ready"] == true).await;
    let variables = [("HOOKWIRE_LOG", redis.url()), ("HOOKWIRE_LISTEN", relay.address().into())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    doctor(relay.folder(), &variables).await.expect("ok", "listen", "says that it is ready");

    redis.kill().await;
    until("it is not ready", async || ready(&relay).await["ready"] == false).await;
    let told = ready(&relay).await;
    assert_eq!(told["reasons"][0], "Redis does not answer", "{told}");
    assert_eq!(told["incidents"][0], "redis-unreachable", "{told}");
    let detail = &told["details"][0];
    for (name, part) in [("since", "20"), ("do", "see that it runs"), ("reason", "Redis")] {
        assert!(detail[name].as_str().unwrap().contains(part), "{told}");
    }
    for hidden in ["127.0.0.1", "os error", &redis.port().to_string()] {
        assert!(!told.to_string().contains(hidden), "strangers read it: {told}");
    }
    let since = detail["since"].clone();
    let found = doctor(relay.folder(), &variables).await;
    assert!(!found.well);
    for about in ["listen", "redis"] {
        assert!(found.has("bad", about, "see that it runs"), "{}", found.text);
    }
    assert!(found.has("bad", "listen", since.as_str().unwrap()), "{}", found.text);
    assert!(found.text.contains("(infra/runbook.md#redis-unreachable)"), "{}", found.text);
    assert!(relay.log().contains("not ready: Redis does not answer"), "{}", relay.log());

    redis.restart().await;
    let well = serde_json::json!({ "ready": true });
    until("it is ready again", async || ready(&relay).await == well).await;
    assert!(relay.log().contains("over: Redis does not answer"), "{}", relay.log());
}

#[tokio::test]
async fn a_server_that_is_left_alone_is_told_as_well() {
    let mut redis = Server::start().await;
    let relay = RelayOptions::default().log(redis.url()).start().await;
    until("it is ready", async || ready(&relay).await["ready"] == true).await;
    redis.kill().await;
    let both = serde_json::json!(["redis-unreachable", "breaker-open"]);
    until("the breaker is open", async || {
        // Each failed publish brings it nearer to that.
        drop(relay.post("/topics/a/events").json(&1).send().await.unwrap());
        ready(&relay).await["incidents"] == both
    })
    .await;
}
