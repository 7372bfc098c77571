use hookwire_tests::{Relay, claims, sign};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// Who shares the relay: two tenants whose names begin alike, and those of no tenant.
pub(super) const TENANTS: [Option<&str>; 3] = [None, Some("acme"), Some("acme.eu")];

/// A tenant's user and administrator. All have the same names and the same grants.
pub(super) struct Party {
    tenant: Option<&'static str>,
    user: String,
    admin: String,
}

impl Party {
    pub(super) fn new(tenant: Option<&'static str>) -> Self {
        let everything = json!({ "subscribe": ["**"], "publish": ["**"] });
        let user = Self::token(tenant, "alice", "token", &everything);
        let admin = Self::token(tenant, "root", "root", &json!({ "admin": true }));
        Self { tenant, user, admin }
    }

    fn token(tenant: Option<&str>, user: &str, id: &str, grants: &Value) -> String {
        let mut claims = claims(user, grants);
        claims["jti"] = json!(id);
        if let Some(tenant) = tenant {
            claims["tenant"] = json!(tenant);
        }
        sign(&claims)
    }

    /// Somebody else of this tenant, who may follow everything.
    pub(super) fn other(&self, user: &str, id: &str) -> String {
        Self::token(self.tenant, user, id, &json!({ "subscribe": ["**"] }))
    }

    pub(super) fn name(&self) -> &'static str {
        self.tenant.unwrap_or("nobody's")
    }

    pub(super) fn publish(
        &self,
        relay: &Relay,
        topic: &str,
        key: &str,
        data: &Value,
    ) -> RequestBuilder {
        let request = relay.post(&format!("/topics/{topic}/events")).bearer_auth(&self.user);
        request.header("idempotency-key", key).json(data)
    }

    pub(super) fn follow(&self, relay: &Relay, query: &str) -> RequestBuilder {
        relay.get(&format!("/events?{query}")).bearer_auth(&self.user)
    }

    pub(super) fn history(&self, relay: &Relay, topic: &str, after: &str) -> RequestBuilder {
        let path = format!("/topics/{topic}/events?limit=1000&after={after}");
        relay.get(&path).bearer_auth(&self.user)
    }

    pub(super) fn ack(&self, relay: &Relay, client: &str, cursor: &str) -> RequestBuilder {
        let body = json!({ "client": client, "cursor": cursor });
        relay.post("/ack").bearer_auth(&self.user).json(&body)
    }

    pub(super) fn ticket(&self, relay: &Relay, topics: &[&str]) -> RequestBuilder {
        relay.post("/tickets").bearer_auth(&self.user).json(&json!({ "topics": topics }))
    }

    pub(super) fn revoke(&self, relay: &Relay, whom: &Value) -> RequestBuilder {
        relay.post("/admin/revoke").bearer_auth(&self.admin).json(whom)
    }
}
