use std::net::SocketAddr;

use serde_json::json;

use crate::publisher::post;
use crate::server::{Server, Site};
use crate::template::Template;
use crate::tokens;

/// What a pushing system proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Nothing,
    /// The token that Google's pusher sends with each push for an hour.
    Oidc,
}

impl Proof {
    /// Starts a relay that asks for this, and limits nobody who brings it.
    pub fn relay(self, site: &Site, log: &str) -> anyhow::Result<Server> {
        let keys = tokens::key_set().display().to_string();
        let mut variables = vec![
            ("HOOKWIRE_CLIENT_LIMIT", "60000000"),
            ("HOOKWIRE_SOURCE_LIMIT", "60000000"),
            ("HOOKWIRE_SOURCE_BURST", "1000000"),
        ];
        if self == Self::Oidc {
            variables.extend([
                ("HOOKWIRE_PUSH_AUDIENCE", tokens::AUDIENCE),
                ("HOOKWIRE_PUSH_EMAIL", tokens::EMAIL),
                ("HOOKWIRE_PUSH_JWKS", keys.as_str()),
            ]);
        }
        site.relay_with(log, &variables)
    }

    /// Pushes of Pub/Sub with 200 bytes of data in base64, each of a message of its own, on topics of [`topic`].
    pub fn pushes(self, to: SocketAddr, pusher: usize) -> anyhow::Result<Template> {
        let push = json!({
            "message": {
                // Of "xxx".
                "data": "eHh4".repeat(50),
                "messageId": format!("bench-{pusher:03}-{}", Template::SERIAL),
                "publishTime": "2021-02-26T19:13:55.749Z",
            },
            "subscription": Template::NUMBER,
        });
        let mut headers = vec!["content-type: application/json".to_owned()];
        if self == Self::Oidc {
            headers.push(format!("authorization: Bearer {}", tokens::pusher()?));
        }
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        Ok(Template::new(post(to, "/webhooks/pubsub", &headers, &push.to_string())))
    }
}

/// The topic of the pushes with this number.
pub fn topic(number: usize) -> String {
    format!("pubsub/{number:010}")
}
