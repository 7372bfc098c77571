use std::time::Instant;

use hookwire_redis_server::Sentinel;
use redis::Value;

#[tokio::test]
async fn a_failover_promotes_a_replica() {
    let start = Instant::now();
    let mut trio = Sentinel::start().await;
    eprintln!("{} started in {:?}", trio.url(), start.elapsed());
    assert_eq!(trio.master().await, 0);
    trio.servers[0].query(&["SET", "key", "value"]).await;
    assert_eq!(trio.servers[0].query(&["WAIT", "2", "0"]).await, Value::Int(2));

    let start = Instant::now();
    trio.servers[0].kill().await;
    let promoted = trio.master_after(0).await;
    eprintln!("failed over in {:?}", start.elapsed());
    let master = &trio.servers[promoted];
    assert_eq!(master.info("role").await.as_deref(), Some("master"));
    assert_eq!(master.query(&["GET", "key"]).await, Value::BulkString(b"value".to_vec()));
}

#[tokio::test]
async fn a_paused_master_is_replaced_and_later_follows() {
    let trio = Sentinel::start().await;
    trio.servers[0].pause();
    let start = Instant::now();
    let promoted = trio.master_after(0).await;
    eprintln!("failed over in {:?}", start.elapsed());
    trio.servers[0].resume();
    let start = Instant::now();
    while trio.servers[0].info("role").await.as_deref() != Some("slave") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    eprintln!("demoted in {:?}", start.elapsed());
    assert_eq!(trio.master().await, promoted);
}

#[tokio::test]
async fn two_sentinels_are_enough_for_a_failover() {
    let mut trio = Sentinel::start().await;
    trio.sentinels[0].kill().await;
    trio.servers[0].kill().await;
    let promoted = trio.master_after(0).await;

    // A server that was promoted stays what it is.
    trio.servers[promoted].terminate().await;
    trio.servers[promoted].restart().await;
    assert_eq!(trio.servers[promoted].info("role").await.as_deref(), Some("master"));
    trio.sentinels[0].restart().await;
}
