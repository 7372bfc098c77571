//! Every stream ends before its invocation does, and the next one goes on where it was.

use std::time::{Duration, Instant};

use hookwire_tests::{Deployment, Invocation, Sse, Stream};
use serde_json::{Value, json};

use super::{deployed, follow};

const DEADLINE: Duration = Duration::from_secs(3);

/// Opens a stream that has to be over soon. The harness says where one goes on beyond its deadline.
async fn open(functions: &Deployment, query: &str, last_id: Option<&str>) -> Stream {
    let event = follow(query);
    let event = match last_id {
        Some(id) => event.header("last-event-id", id),
        None => event,
    };
    let invocation = Invocation::of(event).within(DEADLINE);
    functions.stream.invoke(invocation).await.unwrap().streamed().into_stream()
}

/// What a stream brings to its end, and how it says that it ends.
async fn read(stream: &mut Stream) -> (Vec<Value>, Sse) {
    let mut events = Vec::new();
    loop {
        let event = stream.next().await.expect("a stream says when it ends");
        match event.name.as_str() {
            "hookwire.closing" => {
                assert_eq!(stream.next().await, None, "nothing follows");
                return (events, event);
            }
            control if control.starts_with("hookwire.") => panic!("{event:?}"),
            _ => events.push(event.payload().clone()),
        }
    }
}

#[tokio::test]
async fn a_stream_ends_before_its_deadline_with_a_place_from_which_the_next_goes_on() {
    let (_redis, functions) = deployed(|options| options).await;
    functions.stream.warm().await;
    let opened = Instant::now();
    let mut stream = open(&functions, "topic=a", None).await;
    stream.primed().await;
    functions.publish("a", "1", &json!(1)).await;
    let (events, closing) = read(&mut stream).await;
    println!("ended after {:?} of {DEADLINE:?}", opened.elapsed());
    assert_eq!((events, &closing.data["reason"]), (vec![json!(1)], &json!("lifetime")));
    assert!(!closing.id.is_empty() && stream.retry().is_some(), "{closing:?}");
    for n in [2, 3] {
        functions.publish("a", &n.to_string(), &json!(n)).await;
    }
    let mut stream = open(&functions, "topic=a", Some(&closing.id)).await;
    let (events, _) = read(&mut stream).await;
    assert_eq!(events, [2, 3]);
    functions.stream.environment().await.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_repeated_over_many_deadlines_in_a_row() {
    const ROUNDS: usize = 5;
    let (_redis, functions) = deployed(|options| options).await;
    let mut stream = open(&functions, "topic=a&topic=b", None).await;
    stream.primed().await;
    let mut seen = Vec::new();
    let mut published = 0;
    let publishing = async {
        loop {
            let topic = ["a", "b"][published % 2];
            functions.publish(topic, &published.to_string(), &json!(published)).await;
            published += 1;
        }
    };
    let following = async {
        for _ in 0..ROUNDS {
            let (events, closing) = read(&mut stream).await;
            seen.extend(events);
            stream = open(&functions, "topic=a&topic=b", Some(&closing.id)).await;
        }
    };
    tokio::select! {
        () = publishing => {}
        () = following => {}
    }
    // The one publish that was on its way may have happened.
    for n in published..published + 2 {
        functions.publish(["a", "b"][n % 2], &n.to_string(), &json!(n)).await;
    }
    let last = published + 1;
    while seen.len() <= last {
        let event = stream.next().await.expect("the last events come in time");
        match event.name.as_str() {
            "hookwire.closing" => {
                stream = open(&functions, "topic=a&topic=b", Some(&event.id)).await
            }
            _ => seen.push(event.payload().clone()),
        }
    }
    let numbers: Vec<_> =
        seen.iter().map(|n| usize::try_from(n.as_u64().unwrap()).unwrap()).collect();
    for parity in 0..2 {
        let of_topic: Vec<_> = numbers.iter().copied().filter(|n| n % 2 == parity).collect();
        let expected: Vec<_> = (0..=last).filter(|n| n % 2 == parity).collect();
        assert_eq!(of_topic, expected, "each once, in order");
    }
    println!("{} events over {ROUNDS} deadlines", seen.len());
}

#[tokio::test]
async fn a_deadline_long_ago_is_none() {
    let (_redis, functions) = deployed(|options| options.set("HEARTBEAT", "1s")).await;
    let invocation = Invocation::of(follow("topic=a")).with_a_deadline_in_the_past();
    let mut stream = functions.stream.invoke(invocation).await.unwrap().streamed();
    for _ in 0..3 {
        stream.until("\n:").await;
    }
    functions.publish("a", "1", &json!("here")).await;
    let read = stream.until("here").await;
    assert!(!read.contains("hookwire.closing"), "{read}");
}
