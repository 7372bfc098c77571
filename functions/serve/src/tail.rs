use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use hookwire_client::{Follow, Followed, ServerSentEvent};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::args::Tail;

/// `hookwire tail`: follows topics in the terminal.
pub(crate) async fn tail(tail: Tail) -> anyhow::Result<()> {
    let mut url = tail.relay.url.join("/events")?;
    for topic in &tail.topics {
        url.query_pairs_mut().append_pair("topic", topic);
    }
    let stored = tail.cursor_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let stored = stored.map(|cursor| cursor.trim().to_owned()).filter(|cursor| !cursor.is_empty());
    let mut follow = Follow::new(reqwest::Client::new(), url, stored.or(tail.from.clone()));
    loop {
        match follow.next().await? {
            Followed::Event(event) => {
                deliver(&tail, &event).await?;
                if let Some(file) = &tail.cursor_file {
                    std::fs::write(file, &event.id).with_context(|| {
                        format!("cannot write the cursor to {}", file.display())
                    })?;
                }
            }
            Followed::Opened => tell(&tail, "following")?,
            Followed::Cut(_) => tell(&tail, "cut; coming back")?,
        }
    }
}

async fn deliver(tail: &Tail, event: &ServerSentEvent) -> anyhow::Result<()> {
    if event.name.starts_with("hookwire.") {
        return tell(tail, &format!("{} {}", event.name, event.data));
    }
    if let Some(command) = &tail.exec {
        while !run(command, event).await? {
            tell(tail, "the command failed; trying again")?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    let mut out = std::io::stdout().lock();
    if tail.json {
        writeln!(out, "{}", event.data)?;
    } else if tail.exec.is_none() {
        writeln!(out, "{}", line(event))?;
    }
    out.flush()?;
    Ok(())
}

fn line(event: &ServerSentEvent) -> String {
    let object: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let data = object.get("data").or(object.get("data_base64")).unwrap_or(&Value::Null);
    format!("{}  {}  {}  {data}", text("time"), event.name, text("subject"))
}

async fn run(command: &str, event: &ServerSentEvent) -> anyhow::Result<bool> {
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .env("HOOKWIRE_CURSOR", &event.id)
        .env("HOOKWIRE_TYPE", &event.name)
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run sh")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is fine.
        let _closed = stdin.write_all(event.data.as_bytes()).await;
    }
    Ok(child.wait().await?.success())
}

fn tell(tail: &Tail, what: &str) -> anyhow::Result<()> {
    if !tail.json {
        writeln!(std::io::stderr(), "-- {what}")?;
    }
    Ok(())
}
