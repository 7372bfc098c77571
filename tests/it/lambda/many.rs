//! On managed instances one process has many streams.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::deployed;

const STREAMS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_brings_every_event_to_hundreds_of_streams() {
    let (_redis, functions) = deployed(|options| options.concurrency(STREAMS)).await;
    let environment = functions.stream.warm().await;
    environment.polls(STREAMS).await;
    let mut streams = Vec::new();
    for n in 0..STREAMS {
        let mut stream = functions.follow(&format!("topic=all&topic=some/{}", n % 3), None).await;
        stream.primed().await;
        streams.push(stream);
    }
    environment.polls(0).await;
    assert_eq!((environment.open(), functions.stream.environments().await.len()), (STREAMS, 1));
    let published = Instant::now();
    for n in 0..10 {
        functions.publish("all", &n.to_string(), &json!(n)).await;
        functions.publish(&format!("some%2F{}", n % 3), &n.to_string(), &json!(n)).await;
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let (mut all, mut some) = (Vec::new(), Vec::new());
        let expected: Vec<u64> = (0..10).filter(|n| *n % 3 == number as u64 % 3).collect();
        while all.len() < 10 || some.len() < expected.len() {
            let event = stream.event().await;
            let n = event.payload().as_u64().unwrap();
            if event.data["subject"] == "all" { all.push(n) } else { some.push(n) }
        }
        assert_eq!((all, some), ((0..10).collect(), expected), "stream {number}");
    }
    println!("20 events reached {STREAMS} streams within {:?}", published.elapsed());
}

#[tokio::test]
async fn a_stream_that_ends_makes_room_for_the_next() {
    let (_redis, functions) =
        deployed(|options| options.concurrency(8).timeout(Duration::from_secs(4)).reserved(1))
            .await;
    functions.stream.warm().await;
    for round in 0..3 {
        let streams = join_all((0..8).map(|_| functions.follow("topic=a", None))).await;
        let ended = join_all(streams.into_iter().map(async |mut stream| {
            let closing = stream.event().await;
            assert_eq!(stream.next().await, None);
            closing.data["reason"].clone()
        }));
        assert_eq!(ended.await, vec![json!("lifetime"); 8], "round {round}");
        functions.stream.environment().await.polls(8).await;
    }
    assert_eq!(functions.stream.environment().await.begun(), 24);
}
