//! Cursors that clients left: one key for each subject, and each for a day.

use std::time::{Duration, SystemTime};

use hookwire_redis::redis::from_redis_value;
use hookwire_redis_server::Server;
use hookwire_state::{CURSOR_KEPT, Cursors, MOST_CLIENTS};

use crate::state;

async fn fields(server: &Server, key: &str) -> Vec<(String, String)> {
    from_redis_value(server.query(&["HGETALL", key]).await).unwrap()
}

/// The key of the only subject, and that it is the only key.
async fn only_key(server: &Server) -> String {
    let keys: [String; 1] = from_redis_value(server.query(&["KEYS", "*"]).await).unwrap();
    keys.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_subject_fills_one_key_with_so_many_clients_whatever_it_does() {
    let server = Server::start().await;
    let state = state(&server.url());
    for n in 0..MOST_CLIENTS + 50 {
        state.put("alice", &format!("alice's phone {n}"), "1-1").await.unwrap();
    }
    let key = only_key(&server).await;
    let fields = fields(&server, &key).await;
    assert_eq!(fields.len(), MOST_CLIENTS);
    assert!(fields.iter().all(|(client, _)| !client.contains("alice")), "{fields:?}");
    let life_ms: u128 = from_redis_value(server.query(&["PTTL", &key]).await).unwrap();
    assert!(life_ms > 0 && life_ms <= CURSOR_KEPT.as_millis(), "{life_ms}");
}

/// Others of the subject keep its key, so that nothing but the script can tell.
#[tokio::test]
async fn a_cursor_is_gone_after_a_day_although_others_are_newer() {
    let server = Server::start().await;
    let state = state(&server.url());
    state.put("alice", "desk", "1-1").await.unwrap();
    let key = only_key(&server).await;
    let (desk, _) = fields(&server, &key).await.remove(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let second = Duration::from_secs(1);
    for (age, found) in [(CURSOR_KEPT - 60 * second, Some("1-1")), (CURSOR_KEPT + second, None)] {
        let value = format!("{} 1-1", (now - age).as_micros());
        server.query(&["HSET", &key, &desk, &value]).await;
        assert_eq!(state.get("alice", "desk").await.unwrap().as_deref(), found, "{age:?}");
        state.put("alice", "phone", "1-2").await.unwrap();
        let is_kept = fields(&server, &key).await.iter().any(|(client, _)| *client == desk);
        assert_eq!(is_kept, found.is_some(), "{age:?}");
    }
}

/// Otherwise the newest cursors after a failover would be the first to go.
#[tokio::test]
async fn what_another_clock_wrote_is_older_than_what_comes_after_it() {
    let server = Server::start().await;
    let state = state(&server.url());
    state.put("alice", "desk", "1-1").await.unwrap();
    let key = only_key(&server).await;
    let (desk, _) = fields(&server, &key).await.remove(0);
    let ahead = SystemTime::UNIX_EPOCH.elapsed().unwrap() + Duration::from_hours(1);
    server.query(&["HSET", &key, &desk, &format!("{} 1-1", ahead.as_micros())]).await;
    for n in 0..MOST_CLIENTS {
        state.put("alice", &format!("phone {n}"), "1-2").await.unwrap();
    }
    assert_eq!(state.get("alice", "desk").await.unwrap(), None);
    assert_eq!(state.get("alice", "phone 0").await.unwrap().as_deref(), Some("1-2"));
}
