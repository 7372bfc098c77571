use std::io::{self, ErrorKind};
use std::time::Duration;

use hookwire_sqs_server::{Fault, Faults, Queue, Server};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::{LONG_POLL, SECOND, is_lost, one_queue, refusal, until};

/// A server, its queue, the network before it, and the queue as it is seen through the network.
async fn network() -> (Server, Queue, Faults, Queue) {
    let (server, queue) = one_queue().await;
    let faults = Faults::before(&server).await;
    let through = queue.through(&faults);
    (server, queue, faults, through)
}

#[tokio::test]
async fn without_a_fault_everything_passes_both_ways() {
    let (_server, queue, faults, through) = network().await;
    let body = "x".repeat(1024 * 1024);
    through.send(&body).await;
    assert_eq!(through.receive(Duration::ZERO).await[0].body, body);
    refusal(through.call("SendMessage", json!({})).await);
    assert!(through.url().starts_with(&faults.url()));
    assert_eq!(through.depth().await, queue.depth().await);
}

#[tokio::test]
async fn a_slow_answer_comes_late() {
    let (_server, _queue, faults, through) = network().await;
    faults.set(Fault::Slow(SECOND));
    let start = Instant::now();
    through.send("body").await;
    assert!(start.elapsed() >= SECOND, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_answer_comes_after_its_effect() {
    let (_server, queue, faults, through) = network().await;
    faults.set(Fault::Slow(Duration::MAX));
    tokio::select! {
        _ = through.send("body") => panic!("it was answered"),
        () = until(async || queue.depth().await.visible == 1) => {}
    }
}

#[tokio::test]
async fn what_fails_has_no_effect() {
    let (_server, queue, faults, through) = network().await;
    faults.set(Fault::Fail);
    let refusal = refusal(through.call("SendMessage", json!({ "MessageBody": "body" })).await);
    assert_eq!((refusal.status, &*refusal.code), (500, "InternalFailure"));
    assert_eq!(queue.depth().await.visible, 0);
}

#[tokio::test]
async fn what_fails_afterwards_has_had_its_effect() {
    let (_server, queue, faults, through) = network().await;
    faults.set(Fault::FailAfter);
    let refusal = refusal(through.call("SendMessage", json!({ "MessageBody": "body" })).await);
    assert_eq!((refusal.status, &*refusal.code), (500, "InternalFailure"));
    assert_eq!(queue.depth().await.visible, 1);
}

#[tokio::test]
async fn a_network_that_refuses_cuts_long_polls_and_takes_nothing_until_it_is_well() {
    let (_server, queue, faults, through) = network().await;
    let poll = through.call("ReceiveMessage", json!({ "WaitTimeSeconds": 20 }));
    let start = Instant::now();
    let cut = async {
        until(async || queue.polls().await == 1).await;
        faults.set(Fault::Refuse);
    };
    let (poll, ()) = tokio::join!(poll, cut);
    is_lost(poll);
    assert!(start.elapsed() < LONG_POLL);

    is_lost(through.call("SendMessage", json!({ "MessageBody": "body" })).await);
    assert_eq!(queue.depth().await.visible, 0);
    faults.set(Fault::None);
    through.send("body").await;
}

#[tokio::test]
async fn what_hangs_is_answered_as_soon_as_the_network_is_well() {
    let (_server, queue, faults, through) = network().await;
    faults.set(Fault::Hang);
    let heal = async {
        until(async || faults.calls("SendMessage") == 1).await;
        assert_eq!(queue.depth().await.visible, 0);
        faults.set(Fault::None);
    };
    tokio::join!(through.send("body"), heal);
    assert_eq!(queue.depth().await.visible, 1);
}

#[tokio::test]
async fn what_its_client_has_given_up_hangs_for_ever() {
    let (_server, queue, faults, through) = network().await;
    faults.set(Fault::Hang);
    tokio::select! {
        _ = through.send("given up") => panic!("it was answered"),
        () = until(async || faults.unanswered() == 1) => {}
    }
    until(async || faults.unanswered() == 0).await;
    faults.set(Fault::None);
    through.send("body").await;
    let bodies = queue.peek().await.into_iter().map(|message| message.body);
    assert_eq!(bodies.collect::<Vec<_>>(), ["body"]);
}

#[tokio::test]
async fn an_open_connection_obeys_a_new_fault_at_its_next_request() {
    let (_server, _queue, faults, _through) = network().await;
    let address = faults.url().replace("http://", "");
    let mut connection = BufReader::new(TcpStream::connect(&address).await.unwrap());
    for (fault, status) in [(Fault::None, 200), (Fault::Fail, 500), (Fault::None, 200)] {
        faults.set(fault);
        assert_eq!(list_queues(&mut connection).await.unwrap(), status);
    }
    faults.set(Fault::Refuse);
    let cut = connection.read_u8().await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
}

/// Asks on this connection, and returns the status of the answer.
async fn list_queues(connection: &mut BufReader<TcpStream>) -> io::Result<u16> {
    let request = "POST / HTTP/1.1\r\nhost: sqs\r\ncontent-length: 2\r\n\
        content-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.ListQueues\r\n\r\n{}";
    connection.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while head.last().is_none_or(|line: &String| line != "\r\n") {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        head.push(line.to_ascii_lowercase());
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length:")).unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    connection.read_exact(&mut body).await?;
    Ok(head[0].split(' ').nth(1).unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_fault_for_one_action_leaves_the_others_alone() {
    let (_server, queue, faults, through) = network().await;
    faults.set_for("DeleteMessage", Fault::Fail);
    through.send("body").await;
    let received = through.receive(Duration::ZERO).await;
    let receipt = json!({ "ReceiptHandle": received[0].receipt_handle });
    refusal(through.call("DeleteMessage", receipt.clone()).await);
    faults.set_for("DeleteMessage", Fault::Refuse);
    is_lost(through.call("DeleteMessage", receipt).await);
    assert_eq!(through.depth().await.in_flight, 1);

    faults.set(Fault::None);
    through.delete(&received[0]).await;
    assert_eq!(queue.peek().await, []);
}

#[tokio::test]
async fn requests_are_counted_by_action_whatever_becomes_of_them() {
    let (_server, _queue, faults, through) = network().await;
    through.send("body").await;
    through.send("body").await;
    faults.set(Fault::Fail);
    refusal(through.call("SendMessage", json!({ "MessageBody": "body" })).await);
    refusal(through.call("SendMessageBatch", json!({ "Entries": [] })).await);
    let calls = ["SendMessage", "SendMessageBatch", "ReceiveMessage"].map(|a| faults.calls(a));
    assert_eq!(calls, [3, 1, 0]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_gone_behind_the_network_too() {
    let (mut server, _queue, _faults, through) = network().await;
    server.kill().await;
    is_lost(through.call("SendMessage", json!({ "MessageBody": "body" })).await);
}

#[tokio::test]
async fn a_dropped_network_is_gone() {
    let (_server, _queue, faults, through) = network().await;
    through.send("body").await;
    drop(faults);
    until(async || through.call("GetQueueAttributes", json!({})).await.is_err()).await;
}
