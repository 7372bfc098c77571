use std::io::{Read, Write};

use anyhow::bail;
use reqwest::{Response, Url};

use crate::args::Publish;

/// `hookwire publish`: publishes one event.
pub(crate) async fn publish(publish: Publish) -> anyhow::Result<()> {
    let mut data = publish.data;
    if data == "-" {
        data.clear();
        std::io::stdin().read_to_string(&mut data)?;
    }
    let mut url = resource(&publish.relay.url, &["topics", &publish.topic, "events"])?;
    url.query_pairs_mut().append_pair("type", &publish.event_type);
    let client = publish.relay.client()?.build()?;
    let mut request = client.post(url).header("content-type", "application/json").body(data);
    if let Some(id) = publish.id {
        request = request.header("idempotency-key", id);
    }
    print_answer(request.send().await?).await
}

/// A resource of the relay; a `/` inside a segment is encoded.
pub(crate) fn resource(relay: &Url, segments: &[&str]) -> anyhow::Result<Url> {
    let mut url = relay.clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.clear().extend(segments),
        Err(()) => bail!("--url must be an http address such as http://127.0.0.1:8080"),
    };
    Ok(url)
}

/// What a problem says is to be done.
pub(crate) fn detail(problem: &str) -> String {
    let object: serde_json::Value = serde_json::from_str(problem).unwrap_or_default();
    object.get("detail").and_then(serde_json::Value::as_str).unwrap_or(problem).to_owned()
}

/// Prints what the relay answered, or fails with it.
pub(crate) async fn print_answer(response: Response) -> anyhow::Result<()> {
    let status = response.status();
    let body = response.text().await?;
    if !status.is_success() {
        bail!("the relay refused with {status}: {}", detail(&body));
    }
    writeln!(std::io::stdout(), "{body}")?;
    Ok(())
}
