//! Lambda asks a process to end before it takes its environment away.

use std::time::{Duration, Instant};

use serde_json::json;

use super::deployed;

/// Lambda waits for about half a second, which a busy machine may need for less.
const IN_TIME: Duration = Duration::from_secs(3);

#[tokio::test]
async fn sigterm_ends_open_streams_with_a_reason_and_the_process_in_time() {
    for concurrency in [None, Some(50)] {
        let (_redis, functions) = deployed(|options| match concurrency {
            Some(invocations) => options.concurrency(invocations),
            None => options,
        })
        .await;
        let mut streams = Vec::new();
        for _ in 0..concurrency.unwrap_or(1) {
            let mut stream = functions.follow("topic=a", None).await;
            stream.primed().await;
            streams.push(stream);
        }
        functions.publish("a", "1", &json!(1)).await;
        for stream in &mut streams {
            assert_eq!(*stream.event().await.payload(), 1);
        }
        let environment = functions.stream.environment().await;
        let told = Instant::now();
        environment.terminate();
        let mut cursor = String::new();
        for stream in &mut streams {
            let closing = stream.event().await;
            assert_eq!(closing.name, "hookwire.closing");
            assert_eq!(closing.data["reason"], "shutdown");
            assert_eq!(stream.next().await, None);
            cursor = closing.id;
        }
        assert_eq!(environment.exited().await, Some(0));
        println!("{} streams and their process ended in {:?}", streams.len(), told.elapsed());
        assert!(told.elapsed() < IN_TIME, "{:?}", told.elapsed());
        functions.publish("a", "2", &json!(2)).await;
        let mut stream = functions.follow("topic=a", Some(&cursor)).await;
        assert_eq!(*stream.event().await.payload(), 2, "a new process goes on where it was");
    }
}

#[tokio::test]
async fn sigterm_ends_an_idle_process_of_every_function_that_asked_to_be_told() {
    let (_redis, functions) = deployed(|options| options).await;
    let environment = functions.stream.warm().await;
    environment.terminate();
    assert_eq!(environment.exited().await, Some(0));
}
