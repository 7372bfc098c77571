//! What a ticket becomes, and what it does not pass for.

use hookwire_tests::{claims, now_s, sign, token};
use serde_json::json;

use super::answer::Answer;
use super::tickets::{follow, refused, relay, ticket};

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_is_no_cookie_and_a_cookie_no_ticket_and_neither_is_a_token() {
    let relay = relay().await;
    let token = token("alice", &json!({ "subscribe": ["a"], "publish": ["a"], "admin": true }));
    let history = || relay.get("/topics/a/events");
    let ticket_1 = ticket(&relay, &token, &json!({})).await;
    refused(history().header("cookie", format!("hookwire_token={ticket_1}"))).await;
    let bearer = Answer::to(history().bearer_auth(&ticket_1)).await;
    assert_eq!(bearer.told(), (401, "bad-token".into()));
    // A ticket opens a stream and nothing else.
    let answer = Answer::to(history().query(&[("ticket", &ticket_1)])).await;
    assert_eq!(answer.told(), (401, "no-token".into()));
    let cookie = cookie(&Answer::to(follow(&relay, "a", &ticket_1)).await);
    let sealed = cookie.strip_prefix("hookwire_token=").unwrap();
    assert_ne!(sealed, ticket_1);
    refused(follow(&relay, "a", sealed)).await;
    let bearer = Answer::to(history().bearer_auth(sealed)).await;
    assert_eq!(bearer.told(), (401, "bad-token".into()));
    assert_eq!(Answer::to(history().header("cookie", &cookie)).await.status, 200);
    // And a token is no ticket.
    refused(follow(&relay, "a", &token)).await;
    // What the token may do beyond following, the cookie may not.
    let own = relay.url("");
    for (request, kind) in [
        (relay.post("/topics/a/events").json(&json!(1)), "not-granted"),
        (relay.post("/admin/revoke").json(&json!({ "user": "bob" })), "not-admin"),
        (relay.get("/metrics"), "not-admin"),
    ] {
        let request = request.header("cookie", &cookie).header("origin", &own);
        assert_eq!(Answer::to(request).await.told(), (403, kind.to_owned()));
    }
}

#[tokio::test]
async fn a_second_ticket_adds_its_topics_to_the_cookie_and_another_users_takes_its_place() {
    let relay = relay().await;
    let alice = token("alice", &json!({ "subscribe": ["a", "b", "c"] }));
    let bob = token("bob", &json!({ "subscribe": ["a", "b", "c"] }));
    let exchange = async |token: &str, topic: &str, before: Option<&str>| {
        let ticket = ticket(&relay, token, &json!({ "topics": [topic] })).await;
        let request = follow(&relay, topic, &ticket);
        cookie(
            &Answer::to(match before {
                Some(before) => request.header("cookie", before),
                None => request,
            })
            .await,
        )
    };
    let reaches = async |cookie: &str| {
        let mut reached = String::new();
        for topic in ["a", "b", "c"] {
            let history = relay.get(&format!("/topics/{topic}/events")).header("cookie", cookie);
            match Answer::to(history).await.told() {
                (200, _) => reached.push_str(topic),
                told => assert_eq!(told, (403, "not-granted".into())),
            }
        }
        reached
    };
    let first = exchange(&alice, "a", None).await;
    assert_eq!(reaches(&first).await, "a");
    let both = exchange(&alice, "b", Some(&first)).await;
    assert_eq!(reaches(&both).await, "ab");
    assert_eq!(reaches(&first).await, "a", "the one before is not more than it was");
    let bobs = exchange(&bob, "c", Some(&both)).await;
    assert_eq!(reaches(&bobs).await, "c");
    // Nor does a ticket take in a cookie that nobody sealed.
    let made_up = exchange(&alice, "c", Some("hookwire_token=hw1.AAAA")).await;
    assert_eq!(reaches(&made_up).await, "c");
}

#[tokio::test]
async fn a_ticket_covers_no_more_than_its_token_and_lasts_no_longer() {
    let relay = relay().await;
    let narrow = token("alice", &json!({ "subscribe": ["a", "mail/{sub}"], "publish": ["c"] }));
    for (topics, told) in [
        (json!(["a", "b"]), (403, "not-granted")),
        (json!(["c"]), (403, "not-granted")),
        (json!(["mail/bob"]), (403, "not-granted")),
        (json!(["**"]), (400, "bad-topic")),
        (json!(["mail/{sub}"]), (403, "not-granted")),
        (json!([]), (400, "bad-ticket-request")),
        (json!(["a", "mail/alice"]), (200, "")),
    ] {
        let asked = relay.post("/tickets").bearer_auth(&narrow).json(&json!({ "topics": topics }));
        let told = (told.0, told.1.to_owned());
        assert_eq!(Answer::to(asked).await.told(), told, "{topics}");
    }
    let whole = ticket(&relay, &narrow, &json!({})).await;
    let mut stream = relay.stream(follow(&relay, "mail/alice&topic=a", &whole)).await;
    stream.primed().await;
    // A stream by ticket ends with the token, and its cookie with it.
    let mut claims = claims("alice", &json!({ "subscribe": ["a"] }));
    claims["exp"] = json!(now_s() + 3 - 30);
    let short = ticket(&relay, &sign(&claims), &json!({ "ttl": 60 })).await;
    let mut stream = relay.stream(follow(&relay, "a", &short)).await;
    let set = stream.headers["set-cookie"].to_str().unwrap().to_owned();
    let lasts = set.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap();
    assert!(lasts.parse::<u64>().unwrap() <= 3, "{lasts}");
    assert_eq!(stream.event().await.data["reason"], "expired");
    let cookie = set.split(';').next().unwrap();
    let detail = refused(relay.get("/events?topic=a").header("cookie", cookie)).await;
    assert!(detail.contains("log in again"), "{detail}");
}
