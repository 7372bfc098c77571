use hookwire_tests::Relay;
use reqwest::RequestBuilder;
use serde_json::json;

use super::proof::Proof;
use super::{ANOTHERS, OTHER_TENANT, OWN};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Call {
    Follow,
    Resume,
    History,
    Publish,
    Ack,
    Ticket,
    Revoke,
}

/// Whose topic is asked for; for an acknowledgement nobody's, for a revocation whose tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    Own,
    Anothers,
    Pattern,
    /// Another tenant's, by a way to say so that somebody may try.
    Tenants(Say),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Say {
    Star,
    Slash,
    Query,
    Header,
    Body,
}

pub(super) const CALLS: [Call; 7] = [
    Call::Follow,
    Call::Resume,
    Call::History,
    Call::Publish,
    Call::Ack,
    Call::Ticket,
    Call::Revoke,
];

pub(super) const TARGETS: [Target; 8] = [
    Target::Own,
    Target::Anothers,
    Target::Pattern,
    Target::Tenants(Say::Star),
    Target::Tenants(Say::Slash),
    Target::Tenants(Say::Query),
    Target::Tenants(Say::Header),
    Target::Tenants(Say::Body),
];

/// The rule: who proves nothing is refused before anything else is looked at, then a name that is none, then what is not
/// granted. A tenant is only ever the token's.
pub(super) fn expected(
    proof: Proof,
    call: Call,
    target: Target,
) -> (u16, &'static str, &'static str) {
    if let Some((kind, help)) = proof.refused() {
        return (401, kind, help);
    }
    let follows = matches!(call, Call::Follow | Call::Resume | Call::History | Call::Ticket);
    let reaches_topics = follows || call == Call::Publish;
    match (call, target) {
        (Call::Ack, _) => (204, "", ""),
        (Call::Revoke, _) if proof != Proof::Admin => (403, "not-admin", "\"admin\": true"),
        (Call::Revoke, Target::Tenants(Say::Body)) => (403, "not-admin", "of that tenant"),
        // The names of users have no patterns and no tenants: such a name is just nobody's.
        (Call::Revoke, _) => (200, "", ""),
        (Call::Ticket, Target::Tenants(Say::Body)) => (400, "bad-ticket-request", "topics"),
        (_, Target::Pattern | Target::Tenants(Say::Star)) => (400, "bad-topic", "no `*`"),
        _ if reaches_topics && proof == Proof::Admin => not_granted(follows),
        (_, Target::Anothers | Target::Tenants(Say::Slash)) => not_granted(follows),
        (_, Target::Own | Target::Tenants(_)) => (200, "", ""),
    }
}

fn not_granted(follows: bool) -> (u16, &'static str, &'static str) {
    (403, "not-granted", if follows { "hookwire.subscribe" } else { "hookwire.publish" })
}

/// The request of a cell, without its proof.
pub(super) fn request(relay: &Relay, call: Call, target: Target) -> RequestBuilder {
    let prefixed = |separator: &str| format!("{OTHER_TENANT}{separator}{OWN}");
    let name = match target {
        Target::Own | Target::Tenants(Say::Query | Say::Header | Say::Body) => OWN.to_owned(),
        Target::Anothers => ANOTHERS.to_owned(),
        Target::Pattern => "ledger5c/*".to_owned(),
        Target::Tenants(Say::Star) => prefixed("*"),
        Target::Tenants(Say::Slash) => prefixed("/"),
    };
    let path = format!("/topics/{}/events", name.replace('*', "%2A"));
    let mut body = json!({});
    let request = match call {
        Call::Follow => relay.get("/events").query(&[("topic", &name)]),
        Call::Resume => {
            relay.get("/events").query(&[("topic", &name)]).header("last-event-id", "1-1")
        }
        Call::History => relay.get(&path),
        Call::Publish => relay.post(&path),
        Call::Ack => {
            body = json!({ "client": name, "cursor": "1-1" });
            relay.post("/ack")
        }
        Call::Ticket => {
            body = json!({ "topics": [name] });
            relay.post("/tickets")
        }
        Call::Revoke => {
            body = json!({ "user": format!("nobody of {name}") });
            relay.post("/admin/revoke")
        }
    };
    if target == Target::Tenants(Say::Body) {
        body["tenant"] = json!(OTHER_TENANT);
    }
    let request = match target {
        Target::Tenants(Say::Query) => request.query(&[("tenant", OTHER_TENANT)]),
        Target::Tenants(Say::Header) => {
            request.header("x-tenant", OTHER_TENANT).header("x-hookwire-tenant", OTHER_TENANT)
        }
        _ => request,
    };
    if matches!(call, Call::Follow | Call::Resume | Call::History) {
        return request;
    }
    request.json(&body)
}
