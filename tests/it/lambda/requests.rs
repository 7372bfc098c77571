//! What comes with an event, and what is none.

use std::net::Ipv4Addr;
use std::time::Duration;

use hookwire_tests::{HttpEvent, Invocation, gmail_push};
use serde_json::json;

use super::{body, deployed, follow};

#[tokio::test]
async fn a_client_is_counted_by_the_address_of_the_event_whatever_it_says() {
    let (_redis, functions) = deployed(|options| options.set("CLIENT_LIMIT", 5)).await;
    let push = async |id: u8, from: Ipv4Addr, says: &str| {
        let event = HttpEvent::post("/webhooks/gmail").from(from).header("x-forwarded-for", says);
        let event = event.json(&gmail_push(&id.to_string(), "a@example.com", 1));
        functions.receive.call(event).await.unwrap()
    };
    let one = Ipv4Addr::new(192, 0, 2, 1);
    for id in 0..5 {
        let answer = push(id, one, &format!("198.51.100.{id}")).await;
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    let mut refused = 0;
    for id in 5..25 {
        let answer = push(id, one, &format!("198.51.100.{id}, 203.0.113.{id}")).await;
        if answer["statusCode"] == 429 {
            assert!(answer["headers"]["retry-after"].is_string(), "{answer}");
            refused += 1;
        }
    }
    assert!(refused >= 15, "only {refused} of 20 are refused");
    let other = push(100, Ipv4Addr::new(192, 0, 2, 2), "192.0.2.1").await;
    assert_eq!(other["statusCode"], 200, "nobody pays for another one: {other}");
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_an_error_and_the_process_lives() {
    let (_redis, functions) = deployed(|options| options).await;
    for function in [&functions.receive, &functions.stream] {
        let environment = function.warm().await;
        for event in [json!({}), json!(null), json!([1]), json!({ "Records": [] }), json!("x")] {
            let answer = function.call(event.clone()).await;
            assert!(answer.is_err(), "{event}: {answer:?}");
        }
        environment.ready().await;
        assert_eq!(function.environment().await.pid(), environment.pid());
    }
    assert_eq!(functions.get("/healthz").send().await.unwrap().status(), 200);
    functions.follow("topic=a", None).await.primed().await;
}

#[tokio::test]
async fn a_malformed_host_or_scheme_is_nothing_that_counts() {
    let (_redis, functions) = deployed(|options| options).await;
    let malformed = [
        ("host", "a b"),
        ("host", "[::1"),
        ("host", "x:99999999"),
        ("host", ""),
        ("host", "\u{e4}"),
        ("x-forwarded-proto", "ht tp"),
        ("x-forwarded-proto", ""),
        ("x-forwarded-proto", "://"),
    ];
    let (receive, stream) = (functions.receive.warm().await, functions.stream.warm().await);
    for (header, value) in malformed {
        let push = HttpEvent::post("/webhooks/gmail").json(&gmail_push("1", "a@example.com", 1));
        let answer = functions.receive.call(push.header(header, value)).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{header}: {value}: {answer}");
        let follow = Invocation::of(follow("topic=a").header(header, value));
        let follow = follow.within(Duration::from_secs(3));
        let mut followed = functions.stream.invoke(follow).await.unwrap().streamed();
        assert_eq!(followed.prelude["statusCode"], 200, "{header}: {value}");
        followed.rest().await;
    }
    assert_eq!(functions.receive.environment().await.pid(), receive.pid());
    assert_eq!(functions.stream.environment().await.pid(), stream.pid());
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let (_redis, functions) = deployed(|options| options).await;
    for (function, event, status) in [
        (&functions.receive, HttpEvent::get("/nothing"), 404),
        (&functions.receive, HttpEvent::post("/webhooks/nobody"), 404),
        (&functions.receive, HttpEvent::get("/webhooks/gmail"), 405),
        (&functions.receive, HttpEvent::get("/topics/a/events"), 401),
    ] {
        let answer = function.call(event.clone()).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{event:?}: {answer}");
        assert_eq!(answer["headers"]["content-type"], "application/problem+json", "{answer}");
        assert!(body(&answer)["detail"].is_string(), "{answer}");
    }
    for (event, status) in [
        (HttpEvent::get("/nothing"), 404),
        (HttpEvent::get("/events?topic=a"), 401),
        (follow(""), 400),
    ] {
        let invocation = Invocation::of(event);
        let mut reply = functions.stream.invoke(invocation).await.unwrap().streamed();
        assert_eq!(reply.prelude["statusCode"], status, "{}", reply.prelude);
        assert!(reply.rest().await.contains("detail"));
    }
}
