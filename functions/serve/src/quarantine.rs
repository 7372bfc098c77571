use std::io::Write;

use anyhow::{Context, bail};
use reqwest::{Client, Url};
use serde_json::Value;

use crate::args::{Quarantine, QuarantineAction};
use crate::publish::{print_answer, resource};

/// `hookwire quarantine`: looks at what could never become an event, and tries it again or throws it away.
pub(crate) async fn quarantine(quarantine: Quarantine) -> anyhow::Result<()> {
    let (client, relay) = (quarantine.relay.client()?.build()?, &quarantine.relay.url);
    let one = |id: u64| resource(relay, &["admin", "quarantine", &id.to_string()]);
    let request = match quarantine.action {
        QuarantineAction::List => client.get(resource(relay, &["admin", "quarantine"])?),
        QuarantineAction::Show { id } => client.get(one(id)?),
        QuarantineAction::Retry { id: Some(id), .. } => client.post(retry(relay, id)?),
        QuarantineAction::Retry { id: None, .. } => return retry_all(&client, relay).await,
        QuarantineAction::Drop { id } => client.delete(one(id)?),
    };
    print_answer(request.send().await?).await
}

fn retry(relay: &Url, id: u64) -> anyhow::Result<Url> {
    resource(relay, &["admin", "quarantine", &id.to_string(), "retry"])
}

/// Takes again all that are listed, oldest first; what still cannot become an event stays.
async fn retry_all(client: &Client, relay: &Url) -> anyhow::Result<()> {
    let list = client.get(resource(relay, &["admin", "quarantine"])?).send().await?;
    let list: Value = serde_json::from_str(&list.error_for_status()?.text().await?)?;
    let listed =
        list.get("notifications").and_then(Value::as_array).context("the relay lists none")?;
    let ids = listed.iter().rev().filter_map(|one| one.get("id")?.as_u64());
    let mut stay = 0;
    for id in ids {
        let answer = client.post(retry(relay, id)?).send().await?;
        if let Err(error) = print_answer(answer).await {
            writeln!(std::io::stderr(), "{id}: {error}")?;
            stay += 1;
        }
    }
    if stay > 0 {
        bail!("{stay} of {} stay in the quarantine", listed.len());
    }
    Ok(())
}
