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
pub(crate) enum Field {
    EmailAddress,
    Subscription,
    OrderingKey,
    Attribute(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its partner.
    #[error("every `{{` needs a `}}`")]
    Brace,
    /// Not a field of any source.
    #[error(
        "`{{{0}}}` is no field; there are {{emailAddress}}, {{subscription}}, {{orderingKey}} and {{attributes.NAME}}"
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
    match name {
        "emailAddress" => Ok(Field::EmailAddress),
        "subscription" => Ok(Field::Subscription),
        "orderingKey" => Ok(Field::OrderingKey),
        _ => match name.strip_prefix("attributes.") {
            Some(attribute) if !attribute.is_empty() => Ok(Field::Attribute(attribute.into())),
            _ => Err(InvalidTemplate::Field(name.into())),
        },
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
        for text in
            ["", "a/{", "a/}", "a/{b}", "a b/{subscription}", "a//{subscription}", "{attributes.}"]
        {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
