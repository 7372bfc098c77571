//! What `scripts/sqs` starts.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use hookwire_sqs_server::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use crate::until;

type Output = Lines<BufReader<ChildStdout>>;

/// The command, once it has said where its queue is, with what it says next, and the address of its server.
async fn start() -> (Child, Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookwire-sqs-server"));
    command.args(["--queue", "mine"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut variables = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
        variables.push(line);
    }
    let [endpoint, region, key, secret, queue] = <[String; 5]>::try_from(variables).unwrap();
    let address = endpoint.strip_prefix("AWS_ENDPOINT_URL_SQS=http://").unwrap().to_owned();
    assert_eq!(region, "AWS_REGION=eu-west-1");
    assert_eq!(key, "AWS_ACCESS_KEY_ID=test");
    assert_eq!(secret, "AWS_SECRET_ACCESS_KEY=test");
    assert_eq!(queue, format!("HOOKWIRE_QUEUE=sqs:http://{address}/000000000000/mine"));
    TcpStream::connect(&address).await.unwrap();
    (child, lines, address)
}

/// Sends the command this signal, sees the server end too, and returns how the command has ended.
async fn end(signal: Signal) -> ExitStatus {
    let (mut child, _output, address) = start().await;
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    until(async || TcpStream::connect(&address).await.is_err()).await;
    status
}

#[tokio::test]
async fn a_developer_ends_the_server_with_ctrl_c() {
    let status = end(Signal::INT).await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_server_does_not_outlive_a_process_that_is_killed() {
    let status = end(Signal::KILL).await;
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
}
