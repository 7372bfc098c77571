use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::{Fault, Faults, Queues, Server as Sqs};
use hookwire_tests::{Api, Relay, RelayOptions, Sentry, pubsub_push};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Drill, Rules};

/// Two relays over a Redis and an SQS, and what they are pushed all the time.
struct Site {
    redis: Redis,
    sqs: Sqs,
    faults: Faults,
    queues: Queues,
    relays: [Relay; 2],
}

impl Site {
    async fn start(sentry: &Sentry) -> Self {
        let redis = Redis::start().await;
        let sqs = Sqs::start().await;
        let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(3)).await;
        let faults = Faults::before(&sqs).await;
        let options = RelayOptions::default()
            .log(redis.url())
            .queue(&queues.queue.through(&faults).url())
            .set("QUEUE_DELAY", "3s")
            .set("QUEUE_VISIBILITY", "3s")
            .set("CLIENT_LIMIT", 60_000_000)
            .variable("SENTRY_MAX_EVENTS", 1_000)
            .variable("SENTRY_DSN", sentry.dsn());
        let (one, two) = tokio::join!(options.clone().start(), options.start());
        Self { redis, sqs, faults, queues, relays: [one, two] }
    }
}

/// Pushes as Pub/Sub does: what is refused comes again.
struct Pushing {
    stop: Arc<AtomicBool>,
    done: JoinHandle<()>,
}

impl Pushing {
    fn start(relays: &[Relay]) -> Self {
        let apis: Vec<_> = relays.iter().map(|relay| Api::clone(relay)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let done = tokio::spawn(async move {
            for n in 0_u64.. {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let body = pubsub_push(&format!("drill-{n}"), b"{}", &json!({}));
                let api = &apis[usize::try_from(n).unwrap() % apis.len()];
                let request = api.client.post(api.url("/webhooks/pubsub")).json(&body);
                // A relay that is away answers nobody, and that is what the drill is about.
                tokio::spawn(async move { drop(request.send().await) });
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        Self { stop, done }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.done.await.unwrap();
    }
}

const REDIS: &str = "HookwireRedisUnreachable";
const QUEUE: &str = "HookwireQueueUnreachable";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_server_fires_its_alert_and_no_other_one() {
    let sentry = Sentry::start().await;
    let mut site = Site::start(&sentry).await;
    let pushing = Pushing::start(&site.relays);
    // A call that hangs takes its time to fail, and there are only so many in seconds.
    let rules = Rules::shipped().bound("queue_faults", "1");
    let [one, two] = &site.relays;
    let mut drill = Drill::start(&[one, two], rules, sentry).await;

    site.redis.kill().await;
    drill.fires(&[REDIS]).await;
    site.redis.restart().await;
    drill.is_over(&["redis-unreachable"]).await;

    site.redis.pause();
    drill.fires(&[REDIS]).await;
    site.redis.resume();
    drill.is_over(&["redis-unreachable"]).await;

    for fault in [Fault::Refuse, Fault::Fail, Fault::Hang] {
        site.faults.set(fault);
        drill.fires(&[QUEUE]).await;
        site.faults.set(Fault::None);
        drill.is_over(&["queue-unreachable"]).await;
    }

    site.redis.pause();
    site.sqs.pause();
    drill.fires(&[REDIS, QUEUE]).await;
    site.sqs.resume();
    site.redis.resume();
    drill.is_over(&["redis-unreachable", "queue-unreachable"]).await;

    site.queues.queue.send("this is no record").await;
    drill.fires(&["HookwireDeadLetters"]).await;
    site.queues.dead_letters.purge().await;
    drill.is_over(&["dead-letters"]).await;

    // The other one serves, and nobody is told.
    site.relays[0].kill().await;
    drill.prometheus.has_seen("max_over_time(sum(up)[20s:1s])", 1).await;
    drill.is_over(&[]).await;
    site.relays[1].kill().await;
    drill.fires(&["HookwireNoHealthyInstance"]).await;
    for relay in &mut site.relays {
        relay.restart().await;
    }
    drill.is_over(&[]).await;
    pushing.stop().await;
}
