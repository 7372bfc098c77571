use std::net::TcpListener;
use std::time::Duration;

use futures_util::future::join_all;
use hookwire_sqs_server::{Depth, Server};
use rustix::process::test_kill_process;
use serde_json::json;

use crate::{SECOND, is_lost, one_queue, refusal, until};

#[tokio::test]
async fn a_queue_is_known_by_the_name_and_url_it_was_made_with() {
    let (server, queue) = one_queue().await;
    assert_eq!(queue.url(), format!("{}/000000000000/events", server.url()));
    let answer = queue.call("GetQueueUrl", json!({ "QueueName": "events" })).await.unwrap();
    assert_eq!(answer["QueueUrl"], queue.url());
    server.existing_queue("events").send("body").await;
    assert_eq!(queue.depth().await.visible, 1);
}

#[tokio::test]
async fn a_queue_that_nobody_made_does_not_exist() {
    let server = Server::start().await;
    let answer = server.existing_queue("events").call("ReceiveMessage", json!({})).await;
    let refusal = refusal(answer);
    assert_eq!((refusal.status, &*refusal.code), (400, "QueueDoesNotExist"));
}

#[tokio::test]
async fn many_servers_start_at_once_and_share_nothing() {
    let servers = join_all((0..8).map(|_| Server::start())).await;
    for server in &servers {
        let queues = server.queue("events", 3, SECOND).await;
        assert_eq!(queues.queue.depth().await, Depth::default());
        queues.queue.send("body").await;
    }
}

#[tokio::test]
async fn a_paused_server_does_not_answer_and_then_does() {
    let (server, queue) = one_queue().await;
    server.pause();
    let question = queue.send("body");
    tokio::pin!(question);
    let unanswered = tokio::time::timeout(Duration::from_millis(300), &mut question).await;
    assert!(unanswered.is_err());
    server.resume();
    question.await;
    assert_eq!(queue.depth().await.visible, 1);
}

#[tokio::test]
async fn a_killed_server_is_gone() {
    let (mut server, queue) = one_queue().await;
    server.kill().await;
    is_lost(queue.call("ReceiveMessage", json!({})).await);
}

#[tokio::test]
async fn a_dropped_server_leaves_neither_process_nor_port() {
    let server = Server::start().await;
    let (pid, address) = (server.pid(), server.url().replace("http://", ""));
    server.pause();
    drop(server);
    TcpListener::bind(&address).unwrap();
    // A process that ended exists until the runtime has asked for its exit status.
    until(async || test_kill_process(pid).is_err()).await;
}

#[tokio::test]
#[should_panic(expected = "EADDRINUSE")]
async fn a_server_that_does_not_start_says_why() {
    let other = Server::start().await;
    let port = other.url().rsplit(':').next().unwrap().parse().unwrap();
    Server::start_on(port).await;
}
