use http::header::CONTENT_TYPE;
use reqwest::Client;
use serde_json::Value;

use crate::PATIENCE;

/// What SQS answers when it does not do what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, such as `QueueDoesNotExist`, without the namespace before it.
    pub code: String,
}

/// Why a call brought no result.
#[derive(Debug)]
pub enum CallError {
    /// SQS, or what stands for it, has answered.
    Refused(Refusal),
    /// There was no answer, or only a part of one.
    Lost(reqwest::Error),
}

/// Asks for one action in the JSON protocol of SQS, without a signature.
pub(crate) async fn call(
    client: &Client,
    endpoint: &str,
    action: &str,
    arguments: &Value,
) -> Result<Value, CallError> {
    let request = client
        .post(endpoint)
        .header("x-amz-target", format!("AmazonSQS.{action}"))
        .header(CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(arguments.to_string());
    let response = request.send().await.map_err(CallError::Lost)?;
    let status = response.status();
    let body = response.bytes().await.map_err(CallError::Lost)?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    let code = answer["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    Err(CallError::Refused(Refusal { status: status.as_u16(), code }))
}

/// A client that waits longer than any long poll takes. Each call has a connection of its own: the server closes those that
/// were idle for a while, and a call may meet that.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap()
}
