use std::time::Duration;

use crate::calls::Calls;
use crate::fault::Fault;

/// No message has it.
const RECEIPT: &str = "hookwire-doctor";
/// SQS gives no such number of messages.
const IMPOSSIBLE: i32 = -1;

/// What of all that is asked of a queue is denied.
pub(crate) async fn denied(calls: &Calls) -> Vec<String> {
    let (client, url) = (calls.client().await, calls.url().as_str());
    let patient = || calls.patient(Duration::ZERO);
    // Without a message in it, so that none can be left there.
    let send = client.send_message_batch().queue_url(url).set_entries(Some(Vec::new()));
    let receive = client.receive_message().queue_url(url).max_number_of_messages(IMPOSSIBLE);
    let delete = client.delete_message().queue_url(url).receipt_handle(RECEIPT);
    let postpone = client.change_message_visibility().queue_url(url);
    let postpone = postpone.receipt_handle(RECEIPT).visibility_timeout(0);
    let (sent, received, deleted, postponed) = tokio::join!(
        send.customize().config_override(patient()).send(),
        receive.customize().config_override(patient()).send(),
        delete.customize().config_override(patient()).send(),
        postpone.customize().config_override(patient()).send(),
    );
    let faults = [
        ("send", sent.err().map(Fault::of)),
        ("receive", received.err().map(Fault::of)),
        ("delete", deleted.err().map(Fault::of)),
        ("postpone", postponed.err().map(Fault::of)),
    ];
    let denied = faults.into_iter().filter_map(|(word, fault)| Some((word, fault?)));
    let denied = denied.filter(|(_, fault)| fault.is_lasting() || fault.is_down());
    denied.map(|(word, fault)| format!("it does not {word}: {fault}")).collect()
}
