use std::time::Duration;

use hookwire_redis_server::{Server, ServerOptions};
use redis::{Client, TlsCertificates, Value};
use rustix::process::test_kill_process;

#[tokio::test]
async fn a_killed_server_comes_back_with_its_data() {
    let mut server = Server::start().await;
    let (pid, port) = (server.pid(), server.port());
    server.query(&["SET", "key", "value"]).await;
    server.kill().await;
    server.restart().await;
    assert_ne!(server.pid(), pid);
    assert_eq!(server.port(), port);
    assert_eq!(server.query(&["GET", "key"]).await, Value::BulkString(b"value".to_vec()));
}

#[tokio::test]
async fn a_terminated_server_comes_back_with_its_data() {
    let mut server = Server::start().await;
    server.query(&["SET", "key", "value"]).await;
    server.terminate().await;
    assert!(server.try_query(&["PING"]).await.is_err());
    server.restart().await;
    assert_eq!(server.query(&["GET", "key"]).await, Value::BulkString(b"value".to_vec()));
}

#[tokio::test]
async fn a_paused_server_does_not_answer_and_then_does() {
    let server = Server::start().await;
    server.pause();
    let question = server.query(&["INCR", "key"]);
    tokio::pin!(question);
    let unanswered = tokio::time::timeout(Duration::from_millis(300), &mut question).await;
    assert!(unanswered.is_err());
    server.resume();
    assert_eq!(question.await, Value::Int(1));
}

#[tokio::test]
async fn a_dropped_server_leaves_neither_process_nor_folder() {
    let server = Server::start().await;
    let (pid, folder) = (server.pid(), server.folder().to_owned());
    server.pause();
    drop(server);
    assert!(!folder.exists());
    // A process that ended exists until the runtime has asked for its exit status.
    while test_kill_process(pid).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_directive_wins_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let options = ServerOptions::default().folder(folder.path());
    let server = options.set("maxmemory", "50mb").set("appendfsync", "always").start().await;
    for (name, expected) in [("maxmemory", "52428800"), ("appendfsync", "always"), ("save", "")] {
        let [name, expected] = [name, expected].map(|text| Value::BulkString(text.into()));
        let answer = server.query(&["CONFIG", "GET", text(&name)]).await;
        assert_eq!(answer, Value::Array(vec![name, expected]));
    }
    assert!(folder.path().join("appendonlydir").exists());
}

#[tokio::test]
#[should_panic(expected = "redis-server did not start")]
async fn another_server_on_a_chosen_port_is_not_taken_for_the_new_one() {
    let other = Server::start().await;
    ServerOptions::default().port(other.port()).start().await;
}

#[tokio::test]
async fn many_servers_start_at_once() {
    let servers: Vec<_> = (0..12).map(|_| Server::start()).collect();
    let servers = futures_util::future::join_all(servers).await;
    for server in &servers {
        assert_eq!(server.query(&["DBSIZE"]).await, Value::Int(0));
    }
}

#[tokio::test]
async fn a_server_with_tls_answers_only_clients_that_show_its_certificate() {
    let server = ServerOptions::default().tls().start().await;
    assert!(server.url().starts_with("rediss://"));
    assert_eq!(server.query(&["PING"]).await, Value::SimpleString("PONG".to_owned()));

    let ca = std::fs::read(server.certificates().unwrap().ca()).unwrap();
    let certificates = |root_cert| TlsCertificates { client_tls: None, root_cert };
    for stranger in [
        // It trusts the server and shows nothing.
        Client::build_with_tls(server.url(), certificates(Some(ca))),
        // It does not trust the server.
        Client::build_with_tls(server.url(), certificates(None)),
        // It does not speak TLS.
        Client::open(server.url().replace("rediss", "redis")),
    ] {
        let refused = async {
            let mut connection = stranger.unwrap().get_multiplexed_async_connection().await?;
            redis::cmd("PING").query_async::<String>(&mut connection).await
        };
        let error = refused.await.unwrap_err();
        eprintln!("refused: {error}");
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).unwrap(),
        other => panic!("{other:?} is no text"),
    }
}
