//! Between two invocations a process stands still, and the world goes on.

use std::time::Duration;

use hookwire_redis_server::Server as Redis;
use hookwire_tests::{Environment, Freezing, HttpEvent, Invocation, Stream, token};
use serde_json::json;

use super::{Backends, anything, cut, deployed, follow, outcome, publish};

/// How long a process stands still in the gate.
const SHORT: Duration = Duration::from_secs(4);
/// How long it does where there is time.
const LONG: Duration = Duration::from_secs(60);

/// What happens to Redis meanwhile.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Cut,
    Restarted,
}

impl Meanwhile {
    async fn happens(self, redis: &mut Redis, environment: &Environment, standing: Duration) {
        environment.freeze();
        match self {
            Self::Cut => cut(redis).await,
            Self::Restarted => {
                // Killed, it may lose what was answered a moment ago.
                redis.terminate().await;
                redis.restart().await;
            }
        }
        tokio::time::sleep(standing).await;
    }
}

async fn receive_appends_after(standing: Duration) {
    for meanwhile in [Meanwhile::Cut, Meanwhile::Restarted] {
        let mut backends = Backends::start(Duration::from_secs(30)).await;
        let functions = backends.functions().start().await;
        let environment = functions.receive.warm().await;
        for round in 0..2 {
            let before = publish("a", &format!("before {round}"), &json!(1));
            let answer = functions.receive.call(before).await.unwrap();
            assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{answer}");
            environment.ready().await;
            meanwhile.happens(&mut backends.redis, &environment, standing).await;
            let after = publish("a", &format!("after {round}"), &json!(2));
            let answer = functions.receive.call(after).await.unwrap();
            assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{meanwhile:?}: {answer}");
        }
        assert_eq!(functions.receive.environment().await.pid(), environment.pid());
    }
}

#[tokio::test]
async fn the_first_push_after_standing_still_is_appended() {
    receive_appends_after(SHORT).await;
}

#[tokio::test]
#[ignore = "takes more than four minutes"]
async fn the_first_push_after_standing_still_for_a_minute_is_appended() {
    receive_appends_after(LONG).await;
}

/// The next event, whatever the stream is told before that it goes well.
async fn next(stream: &mut Stream) -> serde_json::Value {
    loop {
        let event = stream.event().await;
        match event.name.as_str() {
            // Redis may have lost something, as far as the stream can tell.
            "hookwire.gap" => assert_eq!(event.data["certain"], false, "{event:?}"),
            "hookwire.degraded" | "hookwire.recovered" => println!("told: {}", event.name),
            control if control.starts_with("hookwire.") => panic!("{event:?}"),
            _ => return event.payload().clone(),
        }
    }
}

async fn streams_go_on_after(standing: Duration) {
    for meanwhile in [Meanwhile::Cut, Meanwhile::Restarted] {
        let (mut redis, functions) = deployed(|options| options).await;
        let environment = functions.stream.warm().await;
        let mut last_id = None;
        for round in 0..2 {
            let event = follow("topic=a");
            let event = match &last_id {
                Some(id) => event.header("last-event-id", id),
                None => event,
            };
            let invocation = Invocation::of(event).within(Duration::from_secs(5));
            let mut stream =
                functions.stream.invoke(invocation).await.unwrap().streamed().into_stream();
            if round > 0 {
                assert_eq!(next(&mut stream).await, json!(["missed", round - 1]), "{meanwhile:?}");
            }
            stream.primed().await;
            functions.publish("a", &format!("live {round}"), &json!(["live", round])).await;
            assert_eq!(next(&mut stream).await, json!(["live", round]), "{meanwhile:?}");
            let closing = stream.event().await;
            assert_eq!(closing.data["reason"], "lifetime");
            last_id = Some(closing.id);
            environment.ready().await;
            let missed = publish("a", &format!("missed {round}"), &json!(["missed", round]));
            let answer = functions.receive.call(missed).await.unwrap();
            assert_eq!(outcome(&answer).0, 200);
            meanwhile.happens(&mut redis, &environment, standing).await;
        }
        assert_eq!(functions.stream.environment().await.pid(), environment.pid());
    }
}

#[tokio::test]
async fn the_first_stream_after_standing_still_has_what_was_missed_and_what_comes() {
    streams_go_on_after(SHORT).await;
}

#[tokio::test]
#[ignore = "takes more than four minutes"]
async fn the_first_stream_after_standing_still_for_a_minute_has_both_too() {
    streams_go_on_after(LONG).await;
}

#[tokio::test]
async fn a_token_that_is_revoked_while_a_process_stands_still_is_refused_by_its_first_invocation() {
    let (redis, functions) = deployed(|options| options).await;
    let alice = token("alice", &json!({ "subscribe": ["a"] }));
    let ask = || HttpEvent::get("/events?topic=a").bearer(&alice);
    let history = || HttpEvent::get("/topics/a/events").bearer(&alice);
    let (streams, other) = (functions.stream.warm().await, functions.receive.warm().await);
    let invocation = Invocation::of(ask()).within(Duration::from_secs(4));
    let mut stream = functions.stream.invoke(invocation).await.unwrap().streamed();
    assert_eq!(stream.prelude["statusCode"], 200);
    stream.rest().await;
    assert_eq!(functions.receive.call(history()).await.unwrap()["statusCode"], 200);
    for environment in [&streams, &other] {
        environment.ready().await;
        environment.freeze();
    }
    cut(&redis).await;
    // For a moment what was heard just before would do, as in a process that never stood still.
    tokio::time::sleep(SHORT).await;
    let elsewhere =
        hookwire_tests::RelayOptions::default().log(redis.url()).with_keys().start().await;
    let revoked = elsewhere.post("/admin/revoke").bearer_auth(anything());
    let revoked = revoked.json(&json!({ "user": "alice" })).send().await.unwrap();
    assert!(revoked.status().is_success(), "{}", revoked.text().await.unwrap());
    let refused = functions.stream.invoke(Invocation::of(ask())).await.unwrap().streamed();
    assert_eq!(refused.prelude["statusCode"], 401, "{}", refused.prelude);
    assert_eq!(functions.receive.call(history()).await.unwrap()["statusCode"], 401);
    assert_eq!(functions.stream.environment().await.pid(), streams.pid());
    assert_eq!(functions.receive.environment().await.pid(), other.pid());
}

#[tokio::test]
async fn a_process_that_stands_still_after_every_answer_answers_every_time() {
    let (_redis, functions) =
        deployed(|options| options.freezing(Freezing::AfterEachAnswer).reserved(1)).await;
    for n in 0..30 {
        let answer = functions.receive.call(publish("a", &n.to_string(), &json!(n))).await.unwrap();
        assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{answer}");
    }
    assert_eq!(functions.receive.environment().await.begun(), 30);
}
