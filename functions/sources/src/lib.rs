//! Reads the sources of webhooks from the settings: those in `hookwire.toml`, or Google's.

use std::collections::HashSet;

use hookwire_boot::{Settings, Table};
use hookwire_event::SourceUri;
use hookwire_ingress::sources::{Gmail, PubSub};
use hookwire_ingress::{Source, SourceConfig};
use hookwire_settings::SOURCE_KEYS;

use google::Google;
use kind::Kind;
use value::{Name, Path, TenantName, Topic, Type};

mod generic;
mod google;
mod kind;
mod secret;
mod value;

/// Who can push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachedBy {
    /// Whoever is on this machine.
    ThisMachine,
    /// Anybody.
    Anybody,
}

/// Reads the sources: those in `hookwire.toml`, or `gmail` and `pubsub` when there are none.
pub fn read(settings: &Settings, reached_by: ReachedBy) -> Vec<SourceConfig> {
    let google = Google::read(settings, reached_by);
    let tables = settings.tables("sources", &SOURCE_KEYS);
    if tables.is_empty() {
        let push = google.default_push(settings);
        let gmail = default_source("gmail", Box::new(Gmail(push.clone())));
        let pubsub = default_source("pubsub", Box::new(PubSub(push)));
        return [gmail, pubsub].into_iter().flatten().collect();
    }
    let mut seen = HashSet::new();
    let mut sources = Vec::new();
    for table in &tables {
        let Some(source) = source(table, &google) else { continue };
        for (key, value) in [("name", &source.name), ("path", &source.path)] {
            if !seen.insert((key, value.clone())) {
                table.mistake(key, "must not be that of another source");
            }
        }
        sources.push(source);
    }
    sources
}

fn default_source(name: &str, kind: Box<dyn Source>) -> Option<SourceConfig> {
    Some(SourceConfig {
        name: name.into(),
        path: format!("/webhooks/{name}"),
        tenant: None,
        topic: kind.default_topic().parse().ok()?,
        event_type: None,
        uri: uri(name)?,
        kind,
    })
}

fn source(table: &Table<'_>, google: &Google) -> Option<SourceConfig> {
    let name: Option<Name> = table.required("name");
    let kind: Option<Kind> = table.required("kind");
    let path: Option<Path> = table.optional("path");
    let topic: Option<Topic> = table.optional("topic");
    let event_type: Option<Type> = table.optional("event_type");
    let tenant: Option<TenantName> = table.optional("tenant");
    let kind = kind?.read(table, google);
    let (Name(name), kind) = (name?, kind?);
    let topic = topic.map(|topic| topic.0).or_else(|| kind.default_topic().parse().ok())?;
    if let Some(field) = SourceConfig::lacking(&*kind, &topic) {
        let own: String = kind.fields().iter().map(|field| format!(", {{{field}}}")).collect();
        let right = format!(
            "must use fields that its notifications have, and {field} is none: {{source}}, {{type}}, {{body.NAME}}{own}"
        );
        table.mistake("topic", &right);
    }
    let path = path.map_or_else(|| format!("/webhooks/{name}"), |path| path.0);
    let event_type = event_type.map(|one| one.0);
    let tenant = tenant.map(|one| one.0);
    Some(SourceConfig { kind, path, tenant, topic, event_type, uri: uri(&name)?, name })
}

fn uri(name: &str) -> Option<SourceUri> {
    SourceUri::parse(&format!("{}{name}", SourceUri::WEBHOOKS)).ok()
}

#[cfg(test)]
mod tests;
