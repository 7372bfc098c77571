//! A server that is replaced, follows its successor and takes over again has lost what only it knew, without a restart.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::time::Duration;

use hookwire_event::{Position, Topic};
use hookwire_log::conformance::event;
use hookwire_log::{Appended, GapReason, Log, PageLimit, Retention};
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_redis_server::Server;

fn log(server: &Server) -> RedisLog {
    let config = RedisLogConfig::new(server.url().parse().unwrap(), Retention::default());
    RedisLog::new(&config).unwrap()
}

async fn append(log: &RedisLog, id: &str) -> Position {
    match log.append(event("t", id, "")).await.unwrap() {
        Appended::New(position) => position,
        Appended::Duplicate(_) => panic!("{id} is new"),
    }
}

async fn follow(replica: &Server, master: &Server) {
    replica.query(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]).await;
    // The copy is there when the link is up and everything written was sent over it.
    while replica.info("master_link_status").await.as_deref() != Some("up")
        || replica.info("slave_repl_offset").await != master.info("master_repl_offset").await
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn promote(replica: &Server) {
    replica.query(&["REPLICAOF", "NO", "ONE"]).await;
}

#[tokio::test]
async fn what_a_server_lost_between_two_reigns_is_told() {
    let (first, second) = tokio::join!(Server::start(), Server::start());
    let log = log(&first);
    append(&log, "a").await;
    follow(&second, &first).await;
    append(&log, "b").await;
    follow(&second, &first).await;
    promote(&second).await;
    // Still believing to be the master, it takes one more event and delivers it.
    let seen = append(&log, "lost").await;
    follow(&first, &second).await;
    promote(&first).await;
    let other = append(&log, "other").await;
    assert_ne!(seen, other, "two events at one place");
    let page =
        log.read_after(&Topic::parse("t").unwrap(), seen, PageLimit::BACKFILL).await.unwrap();
    assert_eq!(page.gap.unwrap().reason, GapReason::Rollback);
    let read: Vec<_> = page.entries.iter().map(|entry| entry.event.id.as_str()).collect();
    assert_eq!(read, ["other"]);
}
