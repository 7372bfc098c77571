//! An answer that is streamed, chunk by chunk.

use std::time::{Duration, Instant};

use hookwire_tests::Invocation;
use serde_json::json;

use super::{deployed, follow, outcome, publish};

#[tokio::test]
async fn the_first_bytes_come_at_once_and_say_where_the_stream_stands() {
    let (_redis, functions) = deployed(|options| options.set("HEARTBEAT", "20s")).await;
    functions.stream.warm().await;
    let asked = Instant::now();
    let mut stream =
        functions.stream.invoke(Invocation::of(follow("topic=a"))).await.unwrap().streamed();
    assert_eq!(stream.prelude["statusCode"], 200);
    assert_eq!(stream.prelude["headers"]["content-type"], "text/event-stream");
    let first = stream.until("\nid: ").await;
    assert!(first.starts_with("retry: "), "{first:?}");
    let took = asked.elapsed();
    println!("first bytes after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Where the slowest event may be on a machine that does other things beside.
const SOON: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_a_chunk_of_its_own_and_comes_as_soon_as_it_is_appended() {
    const EVENTS: usize = 100;
    let (_redis, functions) = deployed(|options| options).await;
    functions.receive.warm().await;
    let mut stream =
        functions.stream.invoke(Invocation::of(follow("topic=a"))).await.unwrap().streamed();
    stream.until("id: ").await;
    let (mut after_append, mut whole) = (Vec::new(), Vec::new());
    for n in 0..EVENTS {
        let data = json!(format!("event {n}."));
        let asked = Instant::now();
        let event = publish("a", &n.to_string(), &data);
        let published = async {
            let answer = functions.receive.call(event).await.unwrap();
            (Instant::now(), outcome(&answer))
        };
        let delivered = async {
            loop {
                let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
                let text = String::from_utf8(chunk.bytes.to_vec()).unwrap();
                if text.contains("data:") {
                    assert!(text.contains(&format!("event {n}.")), "{text:?}");
                    assert!(text.ends_with("\n\n"), "it is whole: {text:?}");
                    break chunk.at;
                }
            }
        };
        let ((answered, outcome), delivered) = tokio::join!(published, delivered);
        assert_eq!(outcome, (200, "appended".to_owned()));
        after_append.push(delivered.saturating_duration_since(answered));
        whole.push(delivered - asked);
    }
    after_append.sort_unstable();
    whole.sort_unstable();
    for (what, times) in [("the answer to the publisher", after_append), ("the publish", whole)] {
        let (median, most) = (times[EVENTS / 2], times[EVENTS - 1]);
        println!("delivered after {what}: median {median:?}, at most {most:?}");
        assert!(median < SOON / 4 && most < SOON, "{what}: median {median:?}, at most {most:?}");
    }
}

#[tokio::test]
async fn a_process_asks_for_no_further_invocation_while_a_stream_is_open() {
    let (_redis, functions) = deployed(|options| options.reserved(2)).await;
    let mut first = functions.follow("topic=a", None).await;
    first.primed().await;
    let environment = functions.stream.environment().await;
    environment.polls(0).await;
    let mut second = functions.follow("topic=a", None).await;
    second.primed().await;
    assert_eq!(functions.stream.environments().await.len(), 2);
    assert_eq!((environment.open(), environment.begun()), (1, 1));
    let third = functions.get("/events?topic=a").send().await.unwrap();
    assert_eq!(third.status(), 429, "there are no more environments");
    functions.publish("a", "1", &json!(1)).await;
    for stream in [&mut first, &mut second] {
        assert_eq!(*stream.event().await.payload(), 1);
    }
}
