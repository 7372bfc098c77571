use crate::args::{Quarantine, QuarantineAction};
use crate::publish::{print_answer, resource};

/// `hookwire quarantine`: looks at what could never become an event, and tries it again.
pub(crate) async fn quarantine(quarantine: Quarantine) -> anyhow::Result<()> {
    let (client, relay) = (reqwest::Client::new(), &quarantine.relay.url);
    let request = match quarantine.action {
        QuarantineAction::List => client.get(resource(relay, &["admin", "quarantine"])?),
        QuarantineAction::Show { id } => {
            client.get(resource(relay, &["admin", "quarantine", &id.to_string()])?)
        }
        QuarantineAction::Retry { id } => {
            client.post(resource(relay, &["admin", "quarantine", &id.to_string(), "retry"])?)
        }
    };
    print_answer(request.send().await?).await
}
