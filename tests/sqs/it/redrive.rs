use std::time::Duration;

use hookwire_sqs_server::{Depth, Queues, Server};
use serde_json::json;

use crate::{LONG_POLL, SECOND};

#[tokio::test]
async fn a_message_received_too_often_moves_to_the_dead_letters_at_the_next_receive() {
    let server = Server::start().await;
    let Queues { queue, dead_letters } = server.queue("events", 2, SECOND).await;
    let attribute = json!({ "DataType": "String", "StringValue": "a-1" });
    let message = json!({ "MessageBody": "hopeless", "MessageAttributes": { "id": attribute } });
    queue.call("SendMessage", message).await.unwrap();
    for receive_count in 1..=2 {
        let received = queue.receive(LONG_POLL).await;
        assert_eq!(received[0].receive_count, receive_count);
        assert_eq!(dead_letters.depth().await, Depth::default());
    }

    let third = queue.receive(2 * SECOND).await;
    assert_eq!(third, []);
    assert_eq!(queue.depth().await, Depth::default());
    let dead = dead_letters.peek().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body, "hopeless");
    assert_eq!(dead[0].attributes["id"], "a-1");
    assert_eq!(dead_letters.depth().await, Depth { visible: 1, ..Depth::default() });
}

#[tokio::test]
async fn a_hopeless_message_does_not_stand_in_the_way_of_the_others() {
    let server = Server::start().await;
    let Queues { queue, dead_letters } = server.queue("events", 1, 600 * SECOND).await;
    queue.send("hopeless").await;
    let received = queue.receive(Duration::ZERO).await;
    let visibility = json!({ "ReceiptHandle": received[0].receipt_handle, "VisibilityTimeout": 0 });
    queue.call("ChangeMessageVisibility", visibility).await.unwrap();
    queue.send("fine").await;

    let received = queue.receive(LONG_POLL).await;
    assert_eq!(received.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["fine"]);
    assert_eq!(dead_letters.receive(LONG_POLL).await[0].body, "hopeless");
}
