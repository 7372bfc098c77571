use std::time::Duration;

use hookwire_queue::{Queue, SendError};
use hookwire_queue_sqs::SqsQueue;
use tokio::process::Command;

use crate::{bodies, patient, queue, unavailable};

/// Set in a process that runs one test in an environment of its own.
const ALONE: &str = "HOOKWIRE_TEST_ALONE";

fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs a test in a process of its own, with these variables and hardly any others.
async fn run_alone(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env_clear().env(ALONE, "1");
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "there is no {test}");
}

async fn send(url: &str) -> Result<(), SendError> {
    SqsQueue::new(patient(url)).send("body".into(), Duration::ZERO).await
}

const HOOKS: &str = "https://sqs.eu-west-1.amazonaws.com/000000000000/hooks";
const NOWHERE: &str = "http://localhost:1";

#[tokio::test]
async fn without_credentials_it_is_told_what_is_missing_and_nobody_is_asked() {
    let test = "credentials::without_credentials_it_is_told_what_is_missing_and_nobody_is_asked";
    if !is_alone() {
        return run_alone(test, &[("AWS_ENDPOINT_URL", NOWHERE)]).await;
    }
    for _ in 0..7 {
        let told = unavailable(send(HOOKS).await);
        assert!(told.contains("AWS_ACCESS_KEY_ID"), "{told}");
    }
}

#[tokio::test]
async fn the_environment_says_where_sqs_is_and_who_asks() {
    let test = "credentials::the_environment_says_where_sqs_is_and_who_asks";
    if is_alone() {
        send(HOOKS).await.unwrap();
        // An emulator tells a host that may lead nowhere from where we are.
        return send(&format!("{NOWHERE}/000000000000/hooks")).await.unwrap();
    }
    let (server, queues, _used) = queue().await;
    let key = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    for endpoints in [
        [("AWS_ENDPOINT_URL", &*server.url()), ("AWS_REGION", "eu-central-1")],
        [("AWS_ENDPOINT_URL_SQS", &*server.url()), ("AWS_ENDPOINT_URL", NOWHERE)],
    ] {
        run_alone(test, &[endpoints, key].concat()).await;
    }
    assert_eq!(bodies(&queues.queue).await, ["body"; 4]);
}
