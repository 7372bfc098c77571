//! What comes with an event, and what is none.

use std::net::Ipv4Addr;
use std::time::Duration;

use hookwire_tests::{DeploymentOptions, HttpEvent, Invocation, Reply, gmail_push};
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
async fn a_malformed_host_or_scheme_ends_no_process() {
    let (_redis, functions) = deployed(DeploymentOptions::may_panic).await;
    let requests = [
        ("receive", HttpEvent::post("/webhooks/gmail").json(&gmail_push("1", "a@example.com", 1))),
        ("stream", follow("topic=a")),
    ];
    for (name, request) in requests {
        let function = if name == "receive" { &functions.receive } else { &functions.stream };
        let environment = function.warm().await;
        for (header, value) in [
            ("host", "a b"),
            ("host", "[::1"),
            ("host", "x:99999999"),
            ("host", ""),
            ("host", "\u{e4}"),
            ("x-forwarded-proto", "ht tp"),
            ("x-forwarded-proto", ""),
            ("x-forwarded-proto", "://"),
        ] {
            let event = request.clone().header(header, value);
            let invocation = Invocation::of(event).within(Duration::from_secs(4));
            let reply = function.invoke(invocation).await.unwrap();
            if let Reply::Streamed(mut stream) = reply {
                stream.rest().await;
            }
            environment.ready().await;
        }
        assert_eq!(function.environment().await.pid(), environment.pid(), "{name}");
    }
    let answer = functions.push("gmail", &gmail_push("2", "a@example.com", 1)).await;
    assert_eq!(answer.status(), 200);
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
