use hookwire_tests::{gmail_push, now_s, pubsub_push, sign_rs256};
use serde_json::json;

use super::search::Search;
use super::{AUDIENCE, BYPASS_SECRET, EMAIL, MARK};

/// Whoever follows, reads, publishes and leaves cursors, with every kind of proof.
pub(super) async fn topics(search: &mut Search<'_>, proofs: &[String]) {
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
pub(super) async fn tickets(search: &mut Search<'_>, token: &str) {
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
pub(super) async fn pushes(search: &mut Search<'_>) {
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
