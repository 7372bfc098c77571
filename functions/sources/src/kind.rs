use hookwire_boot::{FromSetting, Table};
use hookwire_ingress::sources::{
    Bearer, CloudEvents, GitHub, Gmail, PubSub, Slack, StandardWebhooks, Stripe,
};
use hookwire_ingress::{SharedSecret, Source};
use hookwire_settings::SOURCE_KEYS;

use crate::generic::{hmac, id_from};
use crate::google::Google;
use crate::secret::{Shown, Signing, Standard, secrets};
use crate::value::Verification;

/// The word in the settings for each kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Gmail,
    PubSub,
    StandardWebhooks,
    GitHub,
    Stripe,
    Slack,
    CloudEvents,
    Hmac,
    Bearer,
}

impl FromSetting for Kind {
    const EXPECTS: &'static str = "`gmail`, `pubsub`, `standard-webhooks`, `github`, `stripe`, `slack`, `cloudevents`, \
                                   `hmac` or `bearer`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "gmail" => Ok(Self::Gmail),
            "pubsub" => Ok(Self::PubSub),
            "standard-webhooks" => Ok(Self::StandardWebhooks),
            "github" => Ok(Self::GitHub),
            "stripe" => Ok(Self::Stripe),
            "slack" => Ok(Self::Slack),
            "cloudevents" => Ok(Self::CloudEvents),
            "hmac" => Ok(Self::Hmac),
            "bearer" => Ok(Self::Bearer),
            _ => Err("no such kind".into()),
        }
    }
}

impl Kind {
    /// Reads what this kind needs; `None` only if a mistake was recorded.
    pub(crate) fn read(self, table: &Table<'_>, google: &Google) -> Option<Box<dyn Source>> {
        self.refuse_what_is_not_read(table);
        let signing = || secrets::<Signing>(table).into_iter().map(SharedSecret::from).collect();
        let shown = || secrets::<Shown>(table).into_iter().map(SharedSecret::from).collect();
        Some(match self {
            Self::Gmail => Box::new(Gmail(google.push(table))),
            Self::PubSub => Box::new(PubSub(google.push(table))),
            Self::StandardWebhooks => {
                let keys = secrets::<Standard>(table).into_iter().map(|key| key.0);
                Box::new(StandardWebhooks::new(keys.collect()))
            }
            Self::GitHub => Box::new(GitHub { secrets: signing() }),
            Self::Stripe => Box::new(Stripe { secrets: signing() }),
            Self::Slack => Box::new(Slack { secrets: signing() }),
            Self::CloudEvents => Box::new(CloudEvents { secrets: is_verified(table).then(shown) }),
            Self::Hmac => Box::new(hmac(table, signing())?),
            Self::Bearer => Box::new(Bearer { secrets: shown(), id: id_from(table) }),
        })
    }

    /// The settings that not every kind has, and this one has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Gmail | Self::PubSub => &["verification", "wrapped", "audience", "email"],
            Self::StandardWebhooks | Self::GitHub | Self::Stripe | Self::Slack => {
                &["secret", "secret_env"]
            }
            Self::CloudEvents => &["secret", "secret_env", "verification"],
            Self::Hmac => &[
                "secret",
                "secret_env",
                "header",
                "prefix",
                "encoding",
                "algorithm",
                "timestamp_header",
                "timestamp_tolerance",
                "id_header",
                "id_pointer",
            ],
            Self::Bearer => &["secret", "secret_env", "id_header", "id_pointer"],
        }
    }

    /// Somebody who sets a key expects something of it, such as a secret to be asked for.
    fn refuse_what_is_not_read(self, table: &Table<'_>) {
        const EVERY: [&str; 6] = ["name", "kind", "path", "tenant", "topic", "event_type"];
        for key in SOURCE_KEYS.iter().map(|key| key.name) {
            if !EVERY.contains(&key) && !self.keys().contains(&key) && table.is_set(key) {
                table.mistake(key, "is nothing that this kind of source has; leave it out");
            }
        }
    }
}

/// Whether a source of CloudEvents wants a secret.
fn is_verified(table: &Table<'_>) -> bool {
    match table.optional("verification") {
        Some(Verification::None) => {
            if table.is_set("secret") || table.is_set("secret_env") {
                table.mistake("verification", "must not be `none` beside a secret");
            }
            false
        }
        Some(Verification::Google) => {
            table.mistake("verification", "must be `bearer` or `none` for this kind");
            true
        }
        Some(Verification::Bearer) | None => true,
    }
}
