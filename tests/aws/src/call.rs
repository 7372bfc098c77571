use http::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::{PATIENCE, REGION};

/// Asks for one action in the JSON protocol, without a good signature.
pub(crate) async fn json(endpoint: &str, service: &str, target: &str, body: &Value) -> Value {
    let request = request(endpoint, service)
        .header("x-amz-target", target)
        .header(CONTENT_TYPE, "application/x-amz-json-1.1")
        .body(body.to_string());
    serde_json::from_str(&answered(request).await).unwrap()
}

/// Asks IAM for one action; the answer is XML.
pub(crate) async fn iam(endpoint: &str, action: &str, arguments: &[(&str, &str)]) -> String {
    let form = [("Action", action), ("Version", "2010-05-08")];
    let form: Vec<_> = form.iter().chain(arguments).copied().collect();
    answered(request(endpoint, "iam").form(&form)).await
}

/// Tells the server itself something.
pub(crate) async fn tell(endpoint: &str, path: &str, body: &'static str) {
    answered(client().post(format!("{endpoint}{path}")).body(body)).await;
}

fn request(endpoint: &str, service: &str) -> RequestBuilder {
    // Says service and region; the rest is not looked at.
    let credential = format!("test/20260101/{REGION}/{service}/aws4_request");
    let scope =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
    client().post(endpoint).header(AUTHORIZATION, scope)
}

async fn answered(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}
