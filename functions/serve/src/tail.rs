use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use hookwire_client::{Follow, FollowError, Followed, ServerSentEvent};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::args::Tail;
use crate::publish::detail;

/// `hookwire tail`: follows topics in the terminal.
pub(crate) async fn tail(tail: Tail) -> anyhow::Result<()> {
    let mut url = tail.relay.url.join("/events")?;
    for topic in &tail.topics {
        url.query_pairs_mut().append_pair("topic", topic);
    }
    let stored = tail.cursor_file.as_deref().map(read_cursor).transpose()?.flatten();
    // A connection that is dead without saying so would hang for ever; the relay beats every 15 s by default.
    let client = tail.relay.client()?.read_timeout(Duration::from_mins(2)).build()?;
    let mut follow = Follow::new(client, url, stored.or(tail.from.clone()));
    loop {
        let followed = follow.next().await.map_err(|error| match error {
            FollowError::Refused { status, detail: problem } => {
                FollowError::Refused { status, detail: detail(&problem) }
            }
            FollowError::Finished => error,
        });
        match followed? {
            Followed::Event(event) => {
                deliver(&tail, &event).await?;
                // What comes with the end of a stream says no more than what came before it.
                let file = tail.cursor_file.as_deref().filter(|_| event.name != CLOSING);
                if let Some((file, cursor)) = file.zip(follow.last_id()) {
                    write_cursor(file, cursor)?;
                }
            }
            Followed::Opened => tell(&tail, "following")?,
            Followed::Cut(_) => tell(&tail, "cut; coming back")?,
        }
    }
}

/// The event that tells why a stream ends.
const CLOSING: &str = "hookwire.closing";

/// Reads a cursor; a file that is not there yet has none.
fn read_cursor(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(cursor) if cursor.trim().is_empty() => {
            bail!("{} holds no cursor; remove it to start anew", file.display())
        }
        Ok(cursor) => Ok(Some(cursor.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("cannot read the cursor in {}", file.display()))
        }
    }
}

/// Replaces a cursor as a whole: half a file would be no cursor.
fn write_cursor(file: &Path, cursor: &str) -> anyhow::Result<()> {
    let new = file.with_added_extension("new");
    std::fs::write(&new, cursor)
        .and_then(|()| std::fs::rename(&new, file))
        .with_context(|| format!("cannot write the cursor to {}", file.display()))
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
