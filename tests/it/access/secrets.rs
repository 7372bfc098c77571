//! What is secret or personal comes out of the relay nowhere but in the very answer that it is.

mod drive;
mod search;

use std::time::Duration;

use hookwire_tests::{Relay, RelayOptions, SECRET, Sentry, claims, now_s, oidc_fixture, sign};
use rustix::process::Signal;
use serde_json::{Value, json};

use self::drive::{pushes, tickets, topics};
use self::search::Search;

/// Part of everything that is planted and can be read as it is.
const MARK: &str = "zz7plant";
const TICKET_SECRET: &str = "zz7plant: the secret that seals tickets and cookies";
const BYPASS_SECRET: &str = "zz7plant: the secret that skips limits";
const AUDIENCE: &str = "https://relay.example/zz7plant";
const EMAIL: &str = "zz7plant@project.iam.gserviceaccount.com";

fn alice(change: impl FnOnce(&mut Value)) -> String {
    let address = format!("{MARK}@example.com");
    let topics = json!([format!("mail/{address}"), "a"]);
    let mut claims = claims(&address, &json!({ "subscribe": topics, "publish": topics }));
    claims["jti"] = json!(format!("{MARK} token"));
    claims["tenant"] = json!("acme");
    change(&mut claims);
    sign(&claims)
}

fn admin() -> String {
    sign(&claims(&format!("{MARK} root"), &json!({ "admin": true })))
}

async fn relay(format: &str, sentry: &Sentry) -> Relay {
    let options = RelayOptions::default().with_keys().set("LOG_FORMAT", format);
    let options = options.variable("SENTRY_DSN", sentry.dsn());
    let options = options.set("TICKET_SECRET", TICKET_SECRET).set("BYPASS_SECRET", BYPASS_SECRET);
    let options = options.set("QUERY_TOKENS", "on").set("TRUSTED_HOPS", 1);
    let options = options.set("PUSH_AUDIENCE", AUDIENCE).set("PUSH_EMAIL", EMAIL);
    let options = options.set("PUSH_JWKS", oidc_fixture("jwks-a.json").display());
    let options = options.set("CLIENT_LIMIT", 10_000_000).set("USER_LIMIT", 10_000_000);
    options.set("CORS_ORIGINS", "https://app.example").start().await
}

async fn nothing_that_is_planted_comes_out(format: &str) {
    let sentry = Sentry::start().await;
    let mut relay = relay(format, &sentry).await;
    let planted = [MARK, SECRET, "iam.gserviceaccount"].map(str::to_owned);
    let mut search = Search::new(&relay, planted.into());
    let good = alice(|_| ());
    let proofs = [
        good.clone(),
        alice(|claims| claims["exp"] = json!(now_s() - 600)),
        alice(|claims| claims["hookwire"] = json!({ "subscribe": [format!("{MARK}**")] })),
        alice(|claims| claims["sub"] = json!({ "name": MARK })),
        format!("{good}x"),
    ];
    proofs.iter().for_each(|token| search.plant(token));
    let admin = admin();
    search.plant(&admin);
    topics(&mut search, &proofs).await;
    tickets(&mut search, &good).await;
    pushes(&mut search).await;
    for path in ["/metrics", "/readyz", "/healthz", "/admin/quarantine", "/"] {
        let answer = search.send(path, relay.get(path).bearer_auth(&admin)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(path != "/metrics" || answer.body.contains("hookwire_refusals_total"));
    }
    let revoke = relay.post("/admin/revoke").bearer_auth(&admin);
    let whom = json!({ "user": format!("{MARK}@example.com"), "tenant": "acme" });
    assert_eq!(search.send("/admin/revoke", revoke.json(&whom)).await.status, 200);
    let (planted, mut found) = search.result();
    relay.signal(Signal::TERM);
    assert_eq!(relay.wait().await, Some(0));
    let logged = async {
        while !relay.log().contains("stopped") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), logged).await.expect("it says that it stopped");
    let log = relay.log();
    for told in ["refused a request", "refused a push", "took an event", "quarantined"] {
        assert!(log.contains(told), "the log would have to tell of it: {told}");
    }
    let mut search = Search::new(&relay, planted);
    search.look("the log", &log);
    search.look("standard output", &relay.printed());
    assert!(sentry.issues().contains_key("quarantine-fills"), "Sentry would have to hear of it");
    search.look("what Sentry hears", &sentry.raw());
    found.extend(search.result().1);
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn nothing_that_is_planted_comes_out_where_the_log_is_text() {
    nothing_that_is_planted_comes_out("text").await;
}

#[tokio::test]
async fn nothing_that_is_planted_comes_out_where_the_log_is_json() {
    nothing_that_is_planted_comes_out("json").await;
}

#[tokio::test]
async fn a_setting_that_is_wrong_is_told_without_the_secret_in_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("JWT_SECRET", MARK.to_owned()),
        ("JWT_SECRET", format!("-----BEGIN PUBLIC KEY-----\n{MARK}")),
        ("JWT_SECRET_BEFORE", MARK.to_owned()),
        ("TICKET_SECRET", MARK.to_owned()),
        ("BYPASS_SECRET", MARK.to_owned()),
        ("JWKS", format!("https://user:{MARK}@login.example/jwks.json")),
        ("PUSH_JWKS", format!("https://user:{MARK}@login.example/jwks.json")),
        ("LOG", format!("redis://user:{MARK}@host:port")),
    ] {
        let mut command = Relay::command(folder.path());
        let checked = command.arg("check").env(format!("HOOKWIRE_{name}"), value);
        let checked = checked.env("HOOKWIRE_LISTEN", "127.0.0.1:0").output().await.unwrap();
        let told = [checked.stdout, checked.stderr].map(|out| String::from_utf8(out).unwrap());
        let told = told.join("\n");
        assert!(!told.contains(MARK), "{name}: {told}");
        assert!(checked.status.success() || told.to_uppercase().contains(name), "{name}: {told}");
    }
}
