//! What is counted is what happened, under the names of the catalogue and no others.

mod formats;

use std::time::Duration;

use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::Server as Sqs;
use hookwire_tests::{
    Api, GMAIL, Metrics, Relay, RelayOptions, claims, gmail_push, pubsub_push, sign, token,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A relay with keys, where a user has one stream.
fn options() -> RelayOptions {
    let options = RelayOptions::default().with_keys().set("STREAMS_PER_USER", 1);
    options.set("RETENTION_EVENTS", 20).set("RING_EVENTS", 4).set("CLIENT_LIMIT", 1_000_000)
}

fn everything(user: &str) -> String {
    token(user, &json!({ "subscribe": ["**"], "publish": ["**"], "admin": true }))
}

fn api(relay: &Relay, token: String) -> Api {
    Api::at(format!("http://{}", relay.address())).with_token(token)
}

#[tokio::test]
async fn what_happens_to_pushes_publishes_and_streams_is_counted_in_memory() {
    counts(&options().start().await).await;
}

#[tokio::test]
async fn what_happens_to_pushes_publishes_and_streams_is_counted_over_redis_and_a_queue() {
    let (redis, sqs) = (Redis::start().await, Sqs::start().await);
    let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(30)).await;
    queues.dead_letters.send("a letter").await;
    let relay = options().log(redis.url()).queue(&queues.queue.url()).start().await;
    counts(&relay).await;
    let admin = api(&relay, everything("admin"));
    let depth = |metrics: &Metrics, role, queue, state| {
        metrics.value("hookwire_queue_depth", &[("queue", queue), ("role", role), ("state", state)])
    };
    let metrics = Metrics::until(&admin, "the depths are known", |metrics| {
        let main = |state| depth(metrics, "main", "hookwire", state);
        main("delayed") + main("waiting") > 0.0
    });
    let metrics = metrics.await;
    assert!(metrics.text.contains("hookwire_queue_oldest_seconds{queue=\"hookwire\"} 0\n"));
    assert!(metrics.sum("hookwire_redis_connections_opened_total") > 0.0);
    assert_eq!(metrics.value("hookwire_redis_subscribed", &[]), 1.0);
    assert!(metrics.text.contains("hookwire_redis_connections{pool="), "{}", metrics.text);
    let dead = metrics.text.lines().filter(|line| line.starts_with("hookwire_queue_depth{queue="));
    assert_eq!(dead.count(), 6, "the queue and its dead letters:\n{}", metrics.text);
    assert_eq!(depth(&metrics, "dead", "hookwire-dead-letters", "waiting"), 1.0);
}

/// Has everything happen once, and looks whether it was counted.
async fn counts(relay: &Relay) {
    let admin = api(relay, everything("admin"));
    let before = Metrics::of(&admin).await;
    for source in ["gmail", "pubsub"] {
        let last =
            before.value("hookwire_source_last_push_timestamp_seconds", &[("source", source)]);
        assert!(last > 1e9, "silence is told of from the start on");
        assert_eq!(
            before.value("hookwire_webhook_duration_seconds_count", &[("source", source)]),
            0.0
        );
    }

    // Pushes: one that is new, the same again, one that cannot be read, and one to nobody.
    let gmail: Value = serde_json::from_str(GMAIL).unwrap();
    for outcome in ["appended", "duplicate"] {
        let answer: Value = relay.push("gmail", &gmail).await.json().await.unwrap();
        assert_eq!(answer["outcome"], outcome);
    }
    relay.push("gmail", &pubsub_push("bad", b"no json", &json!({}))).await;
    relay.push("nobody", &gmail).await;

    // A stream that is followed live, one that comes back and takes its place, and one that missed something.
    let reader = api(relay, everything("reader"));
    let mut first = reader.follow("topic=a", None).await;
    let start = first.primed().await;
    for n in 0..3 {
        admin.publish("a", &n.to_string(), &json!(n)).await;
        assert_eq!(*first.event().await.payload(), n);
    }
    let mut second = reader.follow("topic=a", Some(&start)).await;
    assert_eq!(*second.event().await.payload(), 0);
    while let Some(event) = first.next().await {
        assert_eq!(
            (event.name.as_str(), &event.data["reason"]),
            ("hookwire.closing", &json!("evicted"))
        );
    }
    drop(second);
    for n in 3..40 {
        admin.publish("a", &n.to_string(), &json!(n)).await;
    }
    let other = api(relay, everything("other"));
    let mut late = other.follow("topic=a", Some(&start)).await;
    assert_eq!(late.event().await.name, "hookwire.gap");
    assert_eq!(*late.event().await.payload(), 20);
    drop(late);

    // Refusals: no token, and one without the right.
    assert_eq!(Api::at(reader.url("")).get("/events?topic=a").send().await.unwrap().status(), 401);
    let nothing = api(relay, token("nobody", &json!({ "subscribe": ["b"] })));
    assert_eq!(nothing.get("/events?topic=a").send().await.unwrap().status(), 403);

    let closed = |metrics: &Metrics| metrics.sum("hookwire_streams_closed_total") >= 3.0;
    let metrics = Metrics::until(&admin, "three streams have ended", closed).await;
    let webhooks = |outcome| {
        metrics.value("hookwire_webhooks_total", &[("source", "gmail"), ("outcome", outcome)])
    };
    assert_eq!(["appended", "duplicate", "quarantined"].map(webhooks), [1.0; 3]);
    let gmail = [("source", "gmail")];
    assert_eq!(metrics.value("hookwire_webhook_duration_seconds_count", &gmail), 3.0);
    let last =
        |metrics: &Metrics| metrics.value("hookwire_source_last_push_timestamp_seconds", &gmail);
    assert!(last(&metrics) > last(&before), "it has pushed");
    assert_eq!(metrics.value("hookwire_published_total", &[("outcome", "appended")]), 40.0);
    assert_eq!(
        metrics.value("hookwire_append_duration_seconds_count", &[("outcome", "new")]),
        41.0
    );
    assert_eq!(
        metrics.value("hookwire_append_duration_seconds_count", &[("outcome", "duplicate")]),
        1.0
    );

    let ended = |reason| metrics.value("hookwire_streams_closed_total", &[("reason", reason)]);
    assert_eq!((ended("evicted"), ended("gone")), (1.0, 2.0), "{}", metrics.text);
    assert_eq!(metrics.sum("hookwire_streams_opened_total"), 3.0);
    assert_eq!(metrics.sum("hookwire_streams_open"), 0.0);
    assert_eq!(metrics.value("hookwire_gaps_total", &[("reason", "trimmed")]), 1.0);
    assert!(metrics.sum("hookwire_events_delivered_total") >= 5.0);
    assert!(metrics.value("hookwire_ring_reads_total", &[("outcome", "hit")]) >= 3.0);
    assert!(metrics.value("hookwire_ring_reads_total", &[("outcome", "miss")]) >= 2.0);
    assert!(metrics.sum("hookwire_backfill_events_sum") >= 1.0);
    assert!(metrics.sum("hookwire_backfill_duration_seconds_count") >= 2.0);
    // Of the three that were read live; what is read from the log is nobody's latency.
    let latency = metrics.sum("hookwire_delivery_latency_seconds_count");
    assert!(latency >= 3.0, "{}", metrics.text);
    let mean = metrics.sum("hookwire_delivery_latency_seconds_sum") / latency;
    assert!(mean > 0.0 && mean < 30.0, "{mean} s");

    for reason in ["no-token", "not-granted"] {
        assert_eq!(
            metrics.value("hookwire_refusals_total", &[("reason", reason)]),
            1.0,
            "{}",
            metrics.text
        );
    }
    for (route, status, at_least) in [
        ("/webhooks/{source}", "2xx", 3.0),
        ("/webhooks/{source}", "4xx", 1.0),
        ("/topics/{topic}/events", "2xx", 40.0),
        ("/events", "2xx", 3.0),
        ("/events", "4xx", 2.0),
        ("/metrics", "2xx", 1.0),
    ] {
        let answers =
            metrics.value("hookwire_http_responses_total", &[("route", route), ("status", status)]);
        assert!(answers >= at_least, "{route} {status}: {answers}");
    }
    assert_eq!(
        metrics.value("hookwire_build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
        1.0
    );
    assert_eq!(metrics.value("hookwire_ready", &[]), 1.0);
    assert_eq!(metrics.value("hookwire_panics_total", &[]), 0.0);
    assert!(metrics.value("hookwire_connections_max", &[]) > 0.0);
    assert!(metrics.value("process_resident_memory_bytes", &[]) > 1e6);
    assert_eq!(metrics.value("hookwire_metrics_overflow_total", &[]), 0.0);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_seen_as_the_slowest_and_ends_as_slow() {
    let options = RelayOptions::default().set("SLOW_AFTER", "8s").set("HEARTBEAT", "1s");
    let relay = options.set("CLIENT_LIMIT", 1_000_000).start().await;
    let mut socket = TcpStream::connect(relay.address()).await.unwrap();
    socket.write_all(b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let open = |metrics: &Metrics| metrics.sum("hookwire_streams_open") == 1.0;
    Metrics::until(&relay, "the stream is open", open).await;
    let payload = json!("x".repeat(64 * 1024));
    for n in 0..200 {
        relay.publish("a", &n.to_string(), &payload).await;
    }
    let behind = |metrics: &Metrics| metrics.sum("hookwire_slowest_lag_events") > 10.0;
    Metrics::until(&relay, "it is seen to be behind", behind).await;
    let slow = |metrics: &Metrics| {
        metrics.value("hookwire_streams_closed_total", &[("reason", "slow")]) == 1.0
    };
    let metrics = Metrics::until(&relay, "it is cut", slow).await;
    assert_eq!(metrics.sum("hookwire_streams_closed_total"), 1.0, "and once");
    assert_eq!(metrics.sum("hookwire_streams_open"), 0.0);
    let none = |metrics: &Metrics| metrics.sum("hookwire_slowest_lag_events") == 0.0;
    Metrics::until(&relay, "nobody is behind any more", none).await;
}

#[tokio::test]
async fn what_only_the_queue_has_has_an_age_until_the_log_has_it() {
    let (mut redis, sqs) = (Redis::start().await, Sqs::start().await);
    let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(30)).await;
    let options = RelayOptions::default().log(redis.url()).queue(&queues.queue.url());
    let relay = options.set("QUEUE_DELAY", "1s").start().await;
    let oldest = |metrics: &Metrics| {
        metrics.value("hookwire_queue_oldest_seconds", &[("queue", "hookwire")])
    };
    redis.kill().await;
    let queued = relay.push("gmail", &gmail_push("1", "a@example.com", 1)).await;
    assert_eq!(queued.json::<Value>().await.unwrap()["outcome"], "queued");
    Metrics::until(&relay, "it grows old", |metrics| oldest(metrics) > 3.0).await;
    let metrics = Metrics::of(&relay).await;
    assert_eq!(
        metrics.value("hookwire_spilled_total", &[("log", "unknown")])
            + metrics.value("hookwire_spilled_total", &[("log", "unavailable")]),
        1.0
    );
    assert_eq!(metrics.value("hookwire_ready", &[]), 0.0);
    assert_eq!(metrics.value("hookwire_late", &[]), 1.0);
    redis.restart().await;
    let none =
        |metrics: &Metrics| oldest(metrics) == 0.0 && metrics.value("hookwire_late", &[]) == 0.0;
    let metrics = Metrics::until(&relay, "the log has it", none).await;
    assert_eq!(metrics.value("hookwire_drained_total", &[("outcome", "appended")]), 1.0);
}

#[tokio::test]
async fn tenants_beyond_the_hundredth_and_junk_do_not_grow_the_page() {
    let relay = RelayOptions::default().with_keys().start().await;
    let admin = api(&relay, everything("admin"));
    let publish = async |n: usize| {
        let mut claims = claims("alice", &json!({ "publish": ["**"], "subscribe": ["**"] }));
        claims["tenant"] = json!(format!("tenant-{n}"));
        let tenant = api(&relay, sign(&claims));
        tenant.publish("a", "1", &json!(1)).await;
        relay.get(&format!("/junk-{n}?{n}")).send().await.unwrap();
        relay.push(&format!("junk-{n}"), &json!({})).await;
    };
    for n in 0..100 {
        publish(n).await;
    }
    // That it was asked for is counted, too.
    Metrics::of(&admin).await;
    let before = Metrics::of(&admin).await;
    for n in 100..150 {
        publish(n).await;
    }
    let after = Metrics::of(&admin).await;
    let labels = |tenant| [("outcome", "appended"), ("tenant", tenant)];
    assert_eq!(after.value("hookwire_published_total", &labels("tenant-99")), 1.0);
    assert_eq!(after.value("hookwire_published_total", &labels("other")), 50.0);
    assert_eq!(after.value("hookwire_metrics_overflow_total", &[]), 50.0);
    // The one for all other tenants, and the one that says so.
    assert_eq!(after.series(), before.series() + 2);
}
