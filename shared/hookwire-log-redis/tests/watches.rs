//! Whoever watches a topic hears of it, whatever became of those who wanted to watch it before.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use hookwire_event::{Position, Topic};
use hookwire_log::conformance::event;
use hookwire_log::{Entry, Listener, Log, Retention};
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_redis_server::Server;
use tokio::sync::Notify;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Heard {
    positions: Mutex<Vec<Position>>,
    notify: Notify,
}

impl Listener for Heard {
    fn published(&self, entries: &[Entry]) {
        self.positions.lock().unwrap().extend(entries.iter().map(|entry| entry.position));
        self.notify.notify_one();
    }

    fn interrupted(&self) {}
}

impl Heard {
    /// Waits until a publish of this position was heard.
    async fn heard(&self, position: Position) {
        while !self.positions.lock().unwrap().contains(&position) {
            self.notify.notified().await;
        }
    }
}

fn log(server: &Server) -> RedisLog {
    let config = RedisLogConfig::new(server.url().parse().unwrap(), Retention::default());
    RedisLog::new(&config).unwrap()
}

/// Begins to watch and goes away before there is an answer, as a browser does that is closed while it connects.
async fn give_up_watching(log: &RedisLog, topic: &Topic, heard: &Arc<Heard>) {
    let mut watching = pin!(log.watch(topic, Arc::clone(heard) as Arc<dyn Listener>));
    poll_fn(|context| {
        assert!(watching.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// The same listener: sessions of one topic share it, and the first one's end must not end the second one's watch.
#[tokio::test]
async fn a_watch_hears_although_its_listener_was_given_up_on_before() {
    let server = Server::start().await;
    let log = log(&server);
    let (topic, heard) = (Topic::parse("t").unwrap(), Arc::new(Heard::default()));
    give_up_watching(&log, &topic, &heard).await;
    let _watch = log.watch(&topic, Arc::clone(&heard) as Arc<dyn Listener>).await.unwrap();
    for id in ["a", "b", "c"] {
        // Whatever the first watch left behind is done with when the second of these is told of.
        let appended = log.append(event("t", id, "")).await.unwrap().position();
        let told = timeout(PATIENCE, heard.heard(appended)).await;
        told.unwrap_or_else(|_elapsed| panic!("{id} is never heard"));
        tokio::task::yield_now().await;
    }
}
