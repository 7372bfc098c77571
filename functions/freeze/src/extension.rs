use http::{Method, StatusCode};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{BoxError, Client, build_request};

/// Registers an extension that wants no events: only processes with one are asked to end before they are killed.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>
///
/// # Errors
///
/// There is no platform that knows of extensions.
pub(crate) async fn register() -> Result<(), BoxError> {
    let client = Client::builder().build()?;
    let register = build_request()
        .method(Method::POST)
        .uri("/2020-01-01/extension/register")
        .header("lambda-extension-name", "hookwire-stop")
        .body(Body::from(r#"{"events":[]}"#))?;
    let registered = client.call(register).await?;
    if registered.status() != StatusCode::OK {
        return Err(format!("registering an extension was answered {}", registered.status()).into());
    }
    let id = registered.headers().get("lambda-extension-identifier").cloned();
    let wait = build_request()
        .uri("/2020-01-01/extension/event/next")
        .header("lambda-extension-identifier", id.ok_or("the extension was given no name")?)
        .body(Body::empty())?;
    // For an event that never comes: without it the start would not be over.
    tokio::spawn(async move { client.call(wait).await });
    Ok(())
}
