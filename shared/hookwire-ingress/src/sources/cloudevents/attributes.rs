use hookwire_event::{Data, EventTime, Extension, SourceUri};

use crate::facts::Facts;
use crate::id_from::event_id;
use crate::unusable::Unusable;

/// The attributes of a CloudEvent, in whichever mode they came.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) specversion: Option<String>,
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) time: Option<String>,
    pub(super) partitionkey: Option<String>,
    pub(super) extensions: Vec<Extension>,
}

impl Attributes {
    pub(super) fn facts(mut self, data: Data, received_at_ms: u64) -> Result<Facts, Unusable> {
        if self.specversion.as_deref() != Some("1.0") {
            return Err(Unusable::because("the CloudEvent's specversion is not 1.0"));
        }
        let id = event_id(&required("id", self.id)?)?;
        let source = SourceUri::parse(&required("source", self.source)?)
            .map_err(|error| Unusable::because(format!("its source is none: {error}")))?;
        // It would give ids in the name of another sender, whose events would then be taken for duplicates.
        if source.is_webhook() {
            return Err(Unusable::because(
                "sources below /webhooks/ belong to those that are configured",
            ));
        }
        let time = match &self.time {
            Some(time) => EventTime::parse(time)
                .map_err(|error| Unusable::because(format!("its time is none: {error}")))?,
            None => EventTime::from_unix_ms(received_at_ms),
        };
        let has_name = |extension: &Extension| extension.name() == "cesubject";
        if let Some(subject) = self.subject.filter(|_| !self.extensions.iter().any(has_name)) {
            // Subscribers find the topic in `subject`.
            self.extensions.push(extension("cesubject", Extension::text("cesubject", &subject))?);
        }
        Ok(Facts {
            source: Some(source),
            key: self.partitionkey.map(Into::into),
            extensions: self.extensions,
            ..Facts::new(id, required("type", self.event_type)?, time, data)
        })
    }
}

/// Says which extension is none.
pub(super) fn extension<E: std::fmt::Display>(
    name: &str,
    parsed: Result<Extension, E>,
) -> Result<Extension, Unusable> {
    let name: String = name.chars().take(20).filter(char::is_ascii_alphanumeric).collect();
    parsed.map_err(|error| Unusable::because(format!("its attribute {name}: {error}")))
}

fn required(name: &str, value: Option<String>) -> Result<String, Unusable> {
    value.ok_or_else(|| Unusable::because(format!("the CloudEvent has no {name}")))
}
