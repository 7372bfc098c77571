//! Settings that stand for secrets in AWS: what is fetched at the start, and what is said when it is not.

use hookwire_aws_server::Server;
use hookwire_redis_server::Server as Redis;
use hookwire_tests::{Relay, RelayOptions, SECRET, claims, sign};
use serde_json::{Value, json};

/// Part of every secret here.
const MARK: &str = "zz7plant";

/// Whether `hookwire check` finds nothing wrong with these variables, and what it says.
async fn check(variables: &[(&str, String)], file: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hookwire.toml"), file).unwrap();
    let mut check = Relay::command(folder.path());
    let check = check.arg("check").env("HOOKWIRE_LOG", "memory:").envs(variables.iter().cloned());
    let output = check.output().await.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!told.contains(MARK), "a secret is shown:\n{told}");
    (output.status.success(), told)
}

fn with(server: &Server, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    server.variables().into_iter().chain(more).collect()
}

/// A Redis that wants a password from whoever comes.
async fn guarded_redis() -> Redis {
    let redis = Redis::start().await;
    redis.query(&["CONFIG", "SET", "requirepass", MARK]).await;
    redis
}

/// Publishes with a token of the harness' secret, and says how that was answered.
async fn publish(relay: &Relay) -> u16 {
    let token = sign(&claims("alice", &json!({ "publish": ["a"] })));
    let request = relay.post("/topics/a/events").bearer_auth(token).json(&json!(1));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_secret_is_fetched_by_name_by_arn_by_its_key_and_from_a_parameter() {
    let server = Server::start().await;
    let by_arn = server.secret("relay/arn", SECRET).await;
    server.secret("relay/name", SECRET).await;
    server.secret("relay/json", &json!({ "jwt": SECRET, "other": MARK }).to_string()).await;
    server.parameter("/relay/jwt", SECRET).await;
    for reference in [
        format!("secretsmanager:{by_arn}"),
        "secretsmanager:relay/name".to_owned(),
        "secretsmanager:relay/json#jwt".to_owned(),
        "ssm:/relay/jwt".to_owned(),
    ] {
        let options = RelayOptions::default().aws(&server).set("JWT_SECRET", &reference);
        let relay = options.start().await;
        assert_eq!(publish(&relay).await, 200, "{reference}");
        let unproven = relay.post("/topics/a/events").json(&json!(1)).send().await.unwrap();
        assert_eq!(unproven.status(), 401, "{reference}");
        // Whoever knows the reference knows nothing.
        let forged = relay.post("/topics/a/events").bearer_auth(&reference).json(&json!(1));
        assert_eq!(forged.send().await.unwrap().status(), 401, "{reference}");
        assert!(!relay.log().contains(SECRET) && !relay.printed().contains(SECRET));
    }
}

#[tokio::test]
async fn a_password_of_redis_and_the_secrets_of_sources_are_fetched_too() {
    let (server, redis) = tokio::join!(Server::start(), guarded_redis());
    server.secret("relay", &json!({ "redis": MARK, "shop": format!("{MARK}2") }).to_string()).await;
    server.parameter("/code", &format!("{MARK}1")).await;
    let file = "[[sources]]\nname = 'code'\nkind = 'bearer'\nsecret = 'ssm:/code'\n\
                [[sources]]\nname = 'shop'\nkind = 'bearer'\nsecret_env = 'HOOKWIRE_SHOP'\n";
    let relay = RelayOptions::default()
        .aws(&server)
        .file(file)
        .log(redis.url())
        .set("REDIS_PASSWORD", "secretsmanager:relay#redis")
        .set("SHOP", "secretsmanager:relay#shop")
        .start()
        .await;
    for (source, secret) in [("code", format!("{MARK}1")), ("shop", format!("{MARK}2"))] {
        let push = relay.post(&format!("/webhooks/{source}")).json(&json!({}));
        let answer: Value = push.bearer_auth(secret).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["outcome"], "appended", "{answer}");
    }
    assert!(!relay.log().contains(MARK), "{}", relay.log());
}

#[tokio::test]
async fn a_password_stands_in_the_address_or_beside_it() {
    let redis = guarded_redis().await;
    let relay = RelayOptions::default().log(redis.url()).set("REDIS_PASSWORD", MARK);
    let relay = relay.start().await;
    relay.publish("a", "1", &json!(1)).await;
    let both = [
        ("HOOKWIRE_LOG", redis.url().replace("redis://", "redis://:zz7plant@")),
        ("HOOKWIRE_REDIS_PASSWORD", MARK.to_owned()),
    ];
    let (good, told) = check(&both, "").await;
    assert!(!good && told.contains("HOOKWIRE_REDIS_PASSWORD = …: must not be set"), "{told}");
}

#[tokio::test]
async fn a_rotated_secret_is_read_at_the_next_start() {
    let server = Server::start().await;
    server.secret("jwt", &format!("{MARK} of at least thirty-two bytes")).await;
    let options = RelayOptions::default().aws(&server).set("JWT_SECRET", "secretsmanager:jwt");
    let mut relay = options.start().await;
    assert_eq!(publish(&relay).await, 401);
    server.rotate("jwt", SECRET).await;
    assert_eq!(publish(&relay).await, 401);
    relay.kill().await;
    relay.restart().await;
    assert_eq!(publish(&relay).await, 200);
}

#[tokio::test]
async fn every_reference_that_cannot_be_fetched_is_told_with_all_other_mistakes() {
    let server = Server::start().await;
    server.secret("plain", MARK).await;
    server.secret("json", &json!({ "jwt": MARK }).to_string()).await;
    server.parameter("/log", &format!("redis://u:{MARK}@h/x")).await;
    let variables = with(
        &server,
        &[
            ("HOOKWIRE_LISTEN", "0.0.0.0:0"),
            ("HOOKWIRE_HEARTBEAT", "soon"),
            ("HOOKWIRE_JWT_SECRET", "secretsmanager:nothing"),
            ("HOOKWIRE_JWT_SECRET_BEFORE", "secretsmanager:json#before"),
            ("HOOKWIRE_TICKET_SECRET", "secretsmanager:plain#ticket"),
            ("HOOKWIRE_BYPASS_SECRET", "ssm:/nothing"),
            ("HOOKWIRE_LOG", "ssm:/log"),
            ("SHOP", "secretsmanager:#a"),
        ],
    );
    let file = "jwt_audience = 'secretsmanager:plain'\n\
                [[sources]]\nname = 'shop'\nkind = 'bearer'\nsecret_env = 'SHOP'\n";
    let (good, told) = check(&variables, file).await;
    assert!(!good && told.contains("7 mistakes in the configuration"), "{told}");
    for line in [
        "HOOKWIRE_HEARTBEAT = \"soon\": expects",
        "HOOKWIRE_JWT_SECRET = \"secretsmanager:nothing\": was not found in eu-west-1",
        "HOOKWIRE_JWT_SECRET_BEFORE = \"secretsmanager:json#before\": has no key `before`",
        "HOOKWIRE_TICKET_SECRET = \"secretsmanager:plain#ticket\": is no JSON object",
        "HOOKWIRE_BYPASS_SECRET = \"ssm:/nothing\": was not found in eu-west-1",
        "HOOKWIRE_LOG = \"ssm:/log\": expects `fjall:FOLDER`",
        "SHOP = \"secretsmanager:#a\": expects `secretsmanager:NAME_OR_ARN`",
    ] {
        assert!(told.contains(line), "{line}:\n{told}");
    }
}

#[tokio::test]
async fn nothing_is_said_to_be_good_while_aws_is_away_or_refuses() {
    let mut server = Server::start().await;
    server.secret("jwt", SECRET).await;
    let keys = server.user("relay", &["ssm:GetParameter"]).await;
    let reference = ("HOOKWIRE_JWT_SECRET", "secretsmanager:jwt");
    let variables = with(&server, &[reference]);
    assert!(check(&variables, "").await.0);

    server.guard().await;
    let mut denied = variables.clone();
    denied.extend(keys.variables());
    let (good, told) = check(&denied, "").await;
    assert!(!good && told.contains("it answers 403"), "{told}");

    server.pause();
    let (good, told) = check(&variables, "").await;
    assert!(!good && told.contains("does not answer within"), "{told}");

    server.kill().await;
    let (good, told) = check(&variables, "").await;
    assert!(!good && told.contains("it is not reached"), "{told}");
    let start = "HOOKWIRE_JWT_SECRET = \"secretsmanager:jwt\": could not be fetched: 127.0.0.1:";
    assert!(told.contains(start), "{told}");

    let nobody = [("HOOKWIRE_JWT_SECRET", "secretsmanager:jwt".to_owned())];
    let nobody = [&nobody[..], &[("AWS_REGION", "eu-west-1".to_owned())]].concat();
    let (good, told) = check(&nobody, "").await;
    assert!(!good && told.contains("without credentials"), "{told}");
}

#[tokio::test]
async fn who_has_no_reference_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = Relay::command(folder.path());
    // Nobody answers there, and a value with the word in it is no reference.
    let output = check
        .arg("check")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("HOOKWIRE_LOG", "memory:")
        .env("HOOKWIRE_JWT_SECRET", format!("{SECRET} ssm:/a secretsmanager:a"))
        .env("HOOKWIRE_TOKEN", "ssm:/token")
        .env("NOBODYS", "ssm:/a")
        .output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8(output.stderr).unwrap());
}
