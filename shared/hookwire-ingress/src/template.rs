use std::fmt;
use std::str::FromStr;

use hookwire_event::Topic;

/// The topic of a source's events, with fields of the notification in braces: `gmail/{emailAddress}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// What may stand in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The mailbox of a Gmail notification.
    EmailAddress,
    /// The subscription of a Pub/Sub message.
    Subscription,
    /// The ordering key of a Pub/Sub message.
    OrderingKey,
    /// An attribute of a Pub/Sub message.
    Attribute(String),
    /// The repository of a GitHub delivery.
    Repository,
    /// The event's type.
    Type,
    /// The source's name.
    Source,
    /// A text, a whole number or a boolean in the body, found by these steps.
    Body(Vec<String>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its partner.
    #[error("every `{{` needs a `}}`")]
    Brace,
    /// Not a field of any source.
    #[error(
        "`{{{0}}}` is no field; there are {{source}}, {{type}} and {{body.NAME}}, and of some kinds {{emailAddress}}, \
         {{subscription}}, {{orderingKey}}, {{attributes.NAME}} and {{repository}}"
    )]
    Field(String),
    /// The text between the fields could not stand in a topic.
    #[error("the text between the fields must be able to stand in a topic: {0}")]
    Text(hookwire_event::InvalidTopic),
}

impl Template {
    /// The fields in it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Field(field) => Some(field),
        })
    }

    /// Fills the fields in; `None` names a field that the notification lacks.
    pub(crate) fn fill(&self, value: impl Fn(&Field) -> Option<String>) -> Result<String, &Field> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Field(field) => filled.push_str(&value(field).ok_or(field)?),
            }
        }
        Ok(filled)
    }
}

impl Field {
    /// How it stands in a template, with `NAME` for what the user chooses.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::EmailAddress => "emailAddress",
            Self::Subscription => "subscription",
            Self::OrderingKey => "orderingKey",
            Self::Attribute(_) => "attributes.NAME",
            Self::Repository => "repository",
            Self::Type => "type",
            Self::Source => "source",
            Self::Body(_) => "body.NAME",
        }
    }

    /// Whether every source has it.
    pub(crate) fn is_common(&self) -> bool {
        matches!(self, Self::Type | Self::Source | Self::Body(_))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(f, "{{attributes.{name}}}"),
            Self::Body(steps) => write!(f, "{{body.{}}}", steps.join(".")),
            _ => write!(f, "{{{}}}", self.noun()),
        }
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or(InvalidTemplate::Brace)?;
            parts.push(Part::Text(before.into()));
            parts.push(Part::Field(field(name)?));
            rest = behind;
        }
        parts.push(Part::Text(rest.into()));
        let template = Self(parts);
        let sample = template.fill(|_| Some("x".into())).unwrap_or_default();
        if sample.contains('}') {
            return Err(InvalidTemplate::Brace);
        }
        Topic::parse(&sample).map_err(InvalidTemplate::Text)?;
        Ok(template)
    }
}

fn field(name: &str) -> Result<Field, InvalidTemplate> {
    let plain = [
        Field::EmailAddress,
        Field::Subscription,
        Field::OrderingKey,
        Field::Repository,
        Field::Type,
        Field::Source,
    ];
    if let Some(field) = plain.into_iter().find(|field| field.noun() == name) {
        return Ok(field);
    }
    match name.split_once('.') {
        Some(("attributes", attribute)) if !attribute.is_empty() => {
            Ok(Field::Attribute(attribute.into()))
        }
        Some(("body", path)) if path.split('.').all(|step| !step.is_empty()) => {
            Ok(Field::Body(path.split('.').map(str::to_owned).collect()))
        }
        _ => Err(InvalidTemplate::Field(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_from_the_notification() {
        let template: Template = "orders/{attributes.region}/{orderingKey}".parse().unwrap();
        let filled = template.fill(|field| match field {
            Field::Attribute(name) => Some(format!("<{name}>")),
            Field::OrderingKey => Some("k".into()),
            _ => None,
        });
        assert_eq!(filled.unwrap(), "orders/<region>/k");
    }

    #[test]
    fn what_cannot_become_a_topic_is_no_template() {
        for text in [
            "",
            "a/{",
            "a/}",
            "a/{b}",
            "a b/{subscription}",
            "a//{subscription}",
            "{attributes.}",
            "{body}",
            "{body.a..b}",
            "{headers.x}",
        ] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
