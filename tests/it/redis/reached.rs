//! How Redis is reached: over TLS, as a user with few rights, and what is said when it is not.

use hookwire_redis_server::{Server, ServerOptions};
use hookwire_tests::{Relay, RelayOptions};
use serde_json::{Value, json};

async fn relays_an_event(relay: &Relay) {
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    relay.publish("a", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);
    assert_eq!(relay.get("/readyz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn tls_with_an_authority_and_a_certificate_of_its_own() {
    let server = ServerOptions::default().tls().start().await;
    let certificates = server.certificates().unwrap();
    let relay = RelayOptions::default()
        .log(server.url())
        .set("REDIS_CA", certificates.ca().display())
        .set("REDIS_CERT", certificates.cert().display())
        .set("REDIS_KEY", certificates.key().display())
        .start()
        .await;
    relays_an_event(&relay).await;
}

#[tokio::test]
async fn a_server_whose_authority_is_not_known_is_not_talked_to() {
    let server = ServerOptions::default().tls().start().await;
    let relay = RelayOptions::default().log(server.url()).start().await;
    loop {
        let ready = relay.get("/readyz").send().await.unwrap();
        assert_eq!(ready.status(), 503);
        let told = ready.json::<Value>().await.unwrap();
        assert_eq!(told["incidents"][0], "redis-unreachable");
        assert!(!told.to_string().contains("certificate"), "strangers read it: {told}");
        if relay.log().contains("certificate") {
            break;
        }
    }
    assert_eq!(relay.post("/topics/a/events").json(&1).send().await.unwrap().status(), 503);
}

/// The command of the README that makes a user with just the rights that a relay needs.
fn documented_user() -> Vec<&'static str> {
    let readme = include_str!("../../../README.md");
    let line = readme.lines().find(|line| line.trim().starts_with("ACL SETUSER relay "));
    line.expect("the README has it").split_whitespace().collect()
}

#[tokio::test]
async fn a_user_with_few_rights_is_enough() {
    let server = Server::start().await;
    let user: Vec<&str> = documented_user()
        .into_iter()
        .map(|word| if word == ">PASSWORD" { ">pass%word" } else { word })
        .collect();
    server.query(&user).await;
    let address = server.url().replace("redis://", "redis://relay:pass%25word@");
    let relay = RelayOptions::default().log(address).start().await;
    relays_an_event(&relay).await;
    let unusable = json!({ "message": { "data": "%", "messageId": "1" }, "subscription": "s" });
    let answer: Value = relay.push("gmail", &unusable).await.json().await.unwrap();
    assert_eq!(answer["outcome"], "quarantined");
    let log = server.query(&["ACL", "LOG"]).await;
    let refused = format!("{log:?}");
    assert!(!refused.contains("command"), "{refused}");
    let wrong = server.url().replace("redis://", "redis://relay:hunter2@");
    let relay = RelayOptions::default().log(wrong).start().await;
    assert_eq!(relay.get("/readyz").send().await.unwrap().status(), 503);
    assert!(!relay.log().contains("hunter2"), "{}", relay.log());
}

#[tokio::test]
async fn a_relay_starts_without_its_server_and_serves_when_it_is_there() {
    let mut server = Server::start().await;
    server.kill().await;
    let relay = RelayOptions::default().log(server.url()).start().await;
    assert_eq!(relay.get("/healthz").send().await.unwrap().status(), 200);
    assert_eq!(relay.get("/readyz").send().await.unwrap().status(), 503);
    let mut stream = relay.follow("topic=a", None).await;
    assert_eq!(stream.event().await.name, "hookwire.degraded");
    server.restart().await;
    assert_eq!(stream.event().await.name, "hookwire.recovered");
    relay.publish("a", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);
}

#[tokio::test]
async fn check_says_what_redis_is_and_what_should_be_changed() {
    let server = ServerOptions::default()
        .set("appendonly", "no")
        .set("maxmemory-policy", "allkeys-lru")
        .start()
        .await;
    let folder = tempfile::tempdir().unwrap();
    let check = async |address: &str| {
        let mut check = Relay::command(folder.path());
        let output = check.arg("check").env("HOOKWIRE_LOG", address).output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (good, told) = check(&server.url()).await;
    assert!(good, "{told}");
    for part in ["Redis 7.", "master", "appendonly yes", "set it to noeviction", "add a replica"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let (good, told) = check("redis://u:hunter2@127.0.0.1:1").await;
    assert!(!good && told.contains("does not answer") && !told.contains("hunter2"), "{told}");
}
