//! What is secret or personal comes out of the relay nowhere but in the very answer that it is.

use std::time::Duration;

use hookwire_tests::{
    Relay, RelayOptions, SECRET, claims, gmail_push, now_s, oidc_fixture, pubsub_push, sign,
    sign_rs256,
};
use reqwest::RequestBuilder;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::answer::Answer;

/// Part of everything that is planted and can be read as it is.
const MARK: &str = "zz7plant";
/// The networks of the clients, as a trusted proxy tells them.
const CLIENTS: [&str; 2] = ["203.0.113.", "2001:db8:77:"];
const TICKET_SECRET: &str = "zz7plant: the secret that seals tickets and cookies";
const BYPASS_SECRET: &str = "zz7plant: the secret that skips limits";
const AUDIENCE: &str = "https://relay.example/zz7plant";
const EMAIL: &str = "zz7plant@project.iam.gserviceaccount.com";

/// What must not come out, and what came out.
struct Search<'r> {
    relay: &'r Relay,
    planted: Vec<String>,
    found: Vec<String>,
    sent: usize,
}

impl Search<'_> {
    /// Plants a token, of which no part may come out either.
    fn plant(&mut self, token: &str) {
        let parts = token.split('.').skip(1).filter(|part| part.len() > 8);
        self.planted.extend(parts.map(str::to_owned));
    }

    fn look(&mut self, place: &str, text: &str) {
        for planted in &self.planted {
            if text.contains(planted.as_str()) {
                let line = text.lines().find(|line| line.contains(planted.as_str()));
                self.found.push(format!("{place}: {planted} in {}", line.unwrap_or_default()));
            }
        }
    }

    /// Each request is another client's, since of one that is refused again and again only the first are logged.
    fn client(&mut self) -> String {
        self.sent += 1;
        let (network, host) = (CLIENTS[self.sent % CLIENTS.len()], self.sent % 250);
        if network.ends_with(':') {
            format!("{network}{host:x}::1")
        } else {
            format!("{network}{host}")
        }
    }

    /// Sends a request and looks through all of the answer.
    async fn send(&mut self, place: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::to(request.header("x-forwarded-for", self.client())).await;
        self.look(place, &format!("{:?}\n{}", answer.headers, answer.body));
        answer
    }

    /// Sends a request that is answered with what is looked for, so that only its status is looked at.
    async fn send_for(&mut self, place: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::to(request.header("x-forwarded-for", self.client())).await;
        assert!(answer.status < 300, "{place}: {} {}", answer.status, answer.body);
        answer
    }
}

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

async fn relay(format: &str) -> Relay {
    let options = RelayOptions::default().with_keys().set("LOG_FORMAT", format);
    let options = options.set("TICKET_SECRET", TICKET_SECRET).set("BYPASS_SECRET", BYPASS_SECRET);
    let options = options.set("QUERY_TOKENS", "on").set("TRUSTED_HOPS", 1);
    let options = options.set("PUSH_AUDIENCE", AUDIENCE).set("PUSH_EMAIL", EMAIL);
    let options = options.set("PUSH_JWKS", oidc_fixture("jwks-a.json").display());
    let options = options.set("CLIENT_LIMIT", 10_000_000).set("USER_LIMIT", 10_000_000);
    options.set("CORS_ORIGINS", "https://app.example").start().await
}

/// Whoever follows, reads, publishes and leaves cursors, with every kind of proof.
async fn topics(search: &mut Search<'_>, proofs: &[String]) {
    let relay = search.relay;
    let topic = format!("mail/{MARK}%40example.com");
    let (events, path) = (format!("/events?topic={topic}"), format!("/topics/{topic}/events"));
    let secret = json!({ "secret": MARK });
    let cloud = "application/cloudevents+json";
    let post = |path: &str, kind: &str, body: &str| {
        relay.post(path).header("content-type", kind).body(body.to_owned())
    };
    for token in proofs {
        let cookie = format!("session={MARK}; hookwire_token={token}");
        for request in [
            relay.get(&events),
            relay.get(&events).header("last-event-id", MARK),
            relay.get(&format!("{events}&since={MARK}")),
            relay.get(&format!("{events}&last_n={MARK}")),
            relay.get(&format!("/events?topic={MARK}*")),
            relay.get(&format!("/events?topic={MARK}")),
            // Before anything is published: later a page itself is what is looked for.
            relay.get(&path).query(&[("limit", MARK)]),
            relay.get(&path).query(&[("after", MARK)]),
            relay.get(&format!("/topics/{MARK}/events")),
            relay.get(&format!("/topics/{MARK}")),
            relay.post(&path).json(&secret),
            relay.post(&path).query(&[("type", format!("hookwire.{MARK}"))]).json(&secret),
            relay.post(&path).header("idempotency-key", MARK.repeat(100)).json(&secret),
            relay.post(&format!("/topics/{MARK}/events")).json(&secret),
            post(&path, "application/json", &format!("{{\"{MARK}\": {MARK}}}")),
            post(&path, MARK, MARK),
            post(&path, cloud, &format!("\"{MARK}\"")),
            post(&path, cloud, &json!({ "specversion": MARK, "id": MARK }).to_string()),
            post(&path, cloud, &json!({ "specversion": ["1.0"], "subject": MARK }).to_string()),
            relay.post("/ack").json(&json!({ "client": MARK, "cursor": MARK })),
            relay.post("/ack").json(&json!(MARK)),
            relay.post("/ack").json(&json!({ "client": [MARK], "cursor": MARK })),
            relay.post("/tickets").json(&json!({ "topics": [MARK] })),
            relay.post("/tickets").json(&json!({ "topics": MARK, "ttl": MARK })),
            relay.post("/tickets").json(&json!(MARK)),
            relay.post("/tickets").json(&json!({ MARK: MARK })),
            relay.post("/admin/revoke").json(&json!({ "user": MARK })),
            relay.post("/admin/revoke").json(&json!({ "user": [MARK] })),
            relay.post("/admin/revoke").json(&json!(MARK)),
            relay.get("/admin/quarantine"),
            relay.get(&format!("/admin/quarantine/{MARK}")),
            relay.get("/metrics"),
            relay.get(&format!("/{MARK}")),
            relay.client.delete(relay.url(&path)),
        ] {
            let shown = request.try_clone().unwrap().build().unwrap();
            let place = format!("{} {}", shown.method(), shown.url().path());
            let again = || request.try_clone().unwrap();
            search.send(&place, again().bearer_auth(token)).await;
            search.send(&place, again().header("cookie", &cookie)).await;
            search
                .send(&place, again().header("cookie", &cookie).header("origin", relay.url("")))
                .await;
            search.send(&place, again().query(&[("token", token)])).await;
            search.send(&place, again().query(&[("ticket", token)])).await;
            search
                .send(&place, again().bearer_auth(token).header("x-hookwire-bypass", BYPASS_SECRET))
                .await;
            search.send(&place, again().basic_auth(MARK, Some(MARK))).await;
        }
    }
}

/// A ticket, the cookie that it becomes, and both where they do not belong.
async fn tickets(search: &mut Search<'_>, token: &str) {
    let relay = search.relay;
    let ask = relay.post("/tickets").bearer_auth(token).json(&json!({ "topics": ["a"] }));
    let answer = search.send_for("/tickets", ask).await;
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    let follow = || relay.get(&format!("/events?topic=a&ticket={ticket}"));
    let opened = search.send_for("/events", follow()).await;
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    search.plant(&ticket);
    search.plant(&cookie);
    for request in [
        follow(),
        follow().header("cookie", &cookie),
        follow().header("cookie", format!("hookwire_token={ticket}")),
        relay.get("/topics/a/events").bearer_auth(&ticket),
        relay.get("/events?topic=b").header("cookie", &cookie),
        relay.post("/topics/a/events").header("cookie", &cookie).json(&json!(MARK)),
    ] {
        search.send("a ticket", request).await;
    }
}

/// Pushes that prove something or nothing, and of which some end up in the quarantine.
async fn pushes(search: &mut Search<'_>) {
    let relay = search.relay;
    let google = |email: &str| {
        json!({
            "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": email,
            "email_verified": true, "iat": now_s(), "exp": now_s() + 3_600,
        })
    };
    let good = sign_rs256("a", None, &google(EMAIL));
    let stranger = sign_rs256("a", None, &google(&format!("{MARK}@evil.example")));
    let unknown = sign_rs256("b", Some(MARK), &google(EMAIL));
    let address = format!("{MARK}@example.com");
    let odd = json!({ "emailAddress": [MARK], "historyId": MARK }).to_string();
    for token in [&good, &stranger, &unknown, &format!("{good}x"), &MARK.to_owned()] {
        search.plant(token);
        for body in [
            gmail_push("1", &address, 1),
            pubsub_push("2", MARK.as_bytes(), &json!({ MARK: MARK })),
            pubsub_push("3", odd.as_bytes(), &json!({})),
            json!({ "message": MARK }),
            json!({ "message": { "data": MARK, "messageId": "4", "publishTime": MARK } }),
            json!(MARK),
        ] {
            for path in ["/webhooks/gmail", "/webhooks/pubsub", "/webhooks/zz7unknown"] {
                search.send(path, relay.post(path).bearer_auth(token).json(&body)).await;
            }
        }
        let not_json = relay.post("/webhooks/gmail").bearer_auth(token).body(MARK);
        search.send("/webhooks/gmail", not_json).await;
    }
}

async fn nothing_that_is_planted_comes_out(format: &str) {
    let mut relay = relay(format).await;
    let planted = [MARK, SECRET, "iam.gserviceaccount"].into_iter().chain(CLIENTS);
    let planted = planted.map(str::to_owned).collect();
    let mut search = Search { relay: &relay, planted, found: Vec::new(), sent: 0 };
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
    let (planted, mut found) = (search.planted, search.found);
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
    let mut search = Search { relay: &relay, planted, found: Vec::new(), sent: 0 };
    search.look("the log", &log);
    search.look("standard output", &relay.printed());
    found.append(&mut search.found);
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
