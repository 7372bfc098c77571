use std::time::Instant;

use hookwire_redis_server::Cluster;
use redis::AsyncTypedCommands;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;

async fn connect(cluster: &Cluster) -> ClusterConnection {
    let nodes: Vec<_> = cluster.nodes.iter().map(|node| node.url()).collect();
    ClusterClient::new(nodes).unwrap().get_async_connection().await.unwrap()
}

#[tokio::test]
async fn a_cluster_serves_keys_of_every_node() {
    let start = Instant::now();
    let cluster = Cluster::start().await;
    eprintln!("{} started in {:?}", cluster.url(), start.elapsed());
    let mut connection = connect(&cluster).await;
    for key in 0..300 {
        connection.set(format!("key-{key}"), key).await.unwrap();
    }
    for master in &cluster.nodes[..3] {
        let keys: usize = redis::from_redis_value(master.query(&["DBSIZE"]).await).unwrap();
        assert!((50..150).contains(&keys), "{keys} of 300");
    }
    for (slot, owner) in [(0, 0), (5460, 0), (5461, 1), (16_383, 2)] {
        assert_eq!(cluster.master_of_slot(slot).await, owner, "{slot}");
    }
}

#[tokio::test]
async fn a_slot_moves_with_its_keys() {
    let cluster = Cluster::start().await;
    let mut connection = connect(&cluster).await;
    for key in 0..250 {
        connection.set(format!("{{topic}}-{key}"), key).await.unwrap();
    }
    let slot = redis::cmd("CLUSTER").arg("KEYSLOT").arg("topic").to_owned();
    let slot: u16 = slot.query_async(&mut cluster.nodes[0].connect().await).await.unwrap();
    let from = cluster.master_of_slot(slot).await;
    let to = (from + 1) % 3;
    cluster.migrate_slot(slot, from, to).await;
    assert_eq!(cluster.master_of_slot(slot).await, to);
    let keys = ["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()];
    assert_eq!(cluster.nodes[from].query(&keys).await, redis::Value::Int(0));
    assert_eq!(cluster.nodes[to].query(&keys).await, redis::Value::Int(250));
    for key in 0..250 {
        let value = connection.get(format!("{{topic}}-{key}")).await.unwrap();
        assert_eq!(value, Some(key.to_string()));
    }
}

#[tokio::test]
async fn a_replica_takes_the_slots_of_a_killed_master() {
    let mut cluster = Cluster::start().await;
    let start = Instant::now();
    cluster.nodes[0].kill().await;
    assert_eq!(cluster.master_of_slot(0).await, 3);
    eprintln!("failed over in {:?}", start.elapsed());
    cluster.nodes[0].restart().await;
    assert_eq!(cluster.master_of_slot(0).await, 3);
}
