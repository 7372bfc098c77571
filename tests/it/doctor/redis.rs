use hookwire_redis_server::{Cluster, Sentinel, Server, ServerOptions};
use hookwire_tests::Relay;

use super::{Found, doctor_anywhere};

async fn with_log(address: &str) -> Found {
    doctor_anywhere(&[("HOOKWIRE_LOG", address)]).await
}

/// The keys that a server has.
async fn keys(server: &Server) -> String {
    format!("{:?}", server.query(&["KEYS", "*"]).await)
}

#[tokio::test]
async fn a_good_server_is_told_so_and_nothing_is_left_in_it() {
    let server = Server::start().await;
    let before = keys(&server).await;
    let found = with_log(&server.url()).await;
    for part in
        ["Redis 7.", "has the rights", "answers within", "connections are open", "on this machine"]
    {
        found.expect("ok", "redis", part);
    }
    found.expect("ok", "clock", "no more than 2 s off from Redis");
    found.expect("warn", "redis", "add a replica");
    assert_eq!(keys(&server).await, before);
}

#[tokio::test]
async fn a_cluster_and_the_master_behind_sentinels_are_asked_as_the_relay_does() {
    for (url, told) in [
        {
            let cluster = Cluster::start().await;
            (cluster.url(), with_log(&cluster.url()).await)
        },
        {
            let sentinel = Sentinel::start().await;
            (sentinel.url(), with_log(&sentinel.url()).await)
        },
    ] {
        for part in ["has the rights", "answers within", "connections are open", &url] {
            told.expect("ok", "redis", part);
        }
        told.expect("ok", "clock", "no more than 2 s off from Redis");
    }
}

#[tokio::test]
async fn what_puts_the_log_at_risk_is_told() {
    let server = ServerOptions::default()
        .set("appendonly", "no")
        .set("maxmemory-policy", "allkeys-lru")
        .set("maxclients", 40)
        .start()
        .await;
    let found = with_log(&server.url()).await;
    for part in ["appendonly yes", "set it to noeviction", "raise maxclients"] {
        found.expect("warn", "redis", part);
    }
}

#[tokio::test]
async fn a_server_that_is_away_a_replica_or_that_does_not_know_us_is_bad() {
    let master = Server::start().await;
    let replica = ServerOptions::default()
        .set("replicaof", format!("127.0.0.1 {}", master.port()))
        .start()
        .await;
    let found = with_log(&replica.url()).await;
    found.expect("bad", "redis", "address of its master");
    assert_eq!(found.incidents(), ["redis-unreachable"]);
    let mut guarded = Server::start().await;
    guarded.query(&["CONFIG", "SET", "requirepass", "another"]).await;
    let address = guarded.url().replace("redis://", "redis://:hunter2@");
    with_log(&address).await.expect("bad", "redis", "it does not know the user or the password");
    guarded.kill().await;
    let found = with_log(&address).await;
    found.expect("bad", "redis", "refused");
    assert_eq!(found.incidents(), ["redis-unreachable"]);
    master.pause();
    with_log(&master.url()).await.expect("bad", "redis", "does not answer");
    master.resume();
    let encrypted = ServerOptions::default().tls().start().await;
    let found = with_log(&encrypted.url()).await;
    found.expect("bad", "redis", "nobody whom this machine trusts has signed its certificate");
}

#[tokio::test]
async fn rights_that_its_user_lacks_are_named() {
    let server = Server::start().await;
    let address = server.url().replace("redis://", "redis://relay:hunter2@");
    let readme = include_str!("../../../README.md");
    let line = readme.lines().find(|line| line.trim().starts_with("ACL SETUSER relay "));
    let documented: Vec<&str> = line.unwrap().split_whitespace().collect();
    let set = async |change: &dyn Fn(&str) -> String| {
        server.query(&["ACL", "DELUSER", "relay"]).await;
        let words: Vec<String> = documented.iter().map(|word| change(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        server.query(&words).await;
    };
    let password = |word: &str| word.replace("PASSWORD", "hunter2");
    set(&password).await;
    with_log(&address).await.expect("ok", "redis", "has the rights");
    for (right, named) in [
        ("+xadd", "may not do XADD"),
        ("+eval", "may not do EVAL"),
        ("+set", "may not do SET"),
        ("+subscribe", "may not do SUBSCRIBE"),
        ("+publish", "may not do PUBLISH"),
        ("~hookwire:*", "may not do "),
        ("&hookwire:*", "may not do PUBLISH, SUBSCRIBE"),
    ] {
        set(&|word| if word == right { "nopass".into() } else { password(word) }).await;
        let found = with_log(&address).await;
        found.expect("bad", "redis", named);
        found.expect("bad", "redis", "ACL SETUSER");
    }
    let check = tempfile::tempdir().unwrap();
    let mut check = Relay::command(check.path());
    let checked = check.arg("check").env("HOOKWIRE_LOG", &address).output().await.unwrap();
    assert!(checked.status.success(), "rights are looked at by doctor");
}
