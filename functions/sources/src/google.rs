use std::sync::Arc;

use hookwire_boot::{Settings, Table};
use hookwire_ingress::oidc::{OidcConfig, OidcVerifier};
use hookwire_ingress::sources::GooglePush;
use hookwire_jwks::{Jwks, JwksConfig};

use crate::ReachedBy;
use crate::value::{Location, Verification};

/// Google signs a token for any audience that any of its customers asks for.
const NO_EMAIL: &str = "needs the service account of the push subscription beside it (`push_email`); without it \
                        everybody with a Google Cloud project could push";

/// A webhook that is open by omission would let anybody make events.
const NO_PROOF: &str = "must be set, with `push_email`, as long as `listen` is no loopback address: without it anybody who \
                        reaches the relay could push; a source for which that is meant says `verification = \"none\"` in \
                        its `[[sources]]`";

/// What the settings say of all pushes of Google.
pub(crate) struct Google {
    jwks: Arc<Jwks>,
    audience: Option<String>,
    email: Option<String>,
    reached_by: ReachedBy,
}

impl Google {
    pub(crate) fn read(settings: &Settings, reached_by: ReachedBy) -> Self {
        let jwks: Location = settings.value("push_jwks");
        let jwks = Arc::new(Jwks::new(JwksConfig::new(jwks.0)));
        let audience = settings.optional("push_audience");
        Self { jwks, audience, email: settings.optional("push_email"), reached_by }
    }

    /// How the sources push that exist when none is configured.
    pub(crate) fn default_push(&self, settings: &Settings) -> GooglePush {
        match (&self.audience, &self.email) {
            (None, Some(_)) => {
                let right = "needs `push_audience` beside it; alone it verifies nothing";
                settings.mistake("push_email", right);
            }
            (Some(_), None) => settings.mistake("push_audience", NO_EMAIL),
            (None, None) if self.reached_by == ReachedBy::Anybody => {
                settings.mistake("push_audience", NO_PROOF);
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        GooglePush {
            wrapped: true,
            verifier: self.verifier(self.audience.clone(), self.email.clone()),
        }
    }

    /// How a source of Google pushes.
    pub(crate) fn push(&self, table: &Table<'_>) -> GooglePush {
        let own =
            |name: &str, general: &Option<String>| table.optional(name).or_else(|| general.clone());
        let verification: Option<Verification> = table.optional("verification");
        if verification == Some(Verification::Bearer) {
            table.mistake("verification", "must be `google` or `none` for this kind");
        }
        let verified = verification != Some(Verification::None);
        let (audience, email) =
            (own("audience", &self.audience).filter(|_| verified), own("email", &self.email));
        if audience.is_some() && email.is_none() {
            table.mistake("audience", NO_EMAIL);
        }
        if audience.is_none() && verified && self.reached_by == ReachedBy::Anybody {
            table.mistake("audience", NO_PROOF);
        }
        GooglePush { wrapped: table.value("wrapped"), verifier: self.verifier(audience, email) }
    }

    fn verifier(&self, audience: Option<String>, email: Option<String>) -> Option<OidcVerifier> {
        let config = OidcConfig::new(audience?, email);
        Some(OidcVerifier::new(config, Arc::clone(&self.jwks)))
    }
}
