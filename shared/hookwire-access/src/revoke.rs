use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hookwire_event::Tenant;
use hookwire_http::{Problem, is_json, media_type, read_body};
use hookwire_state::Revoke;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::admin::administrator;
use crate::identity::within;
use crate::{Access, Identity, Purpose, Refusal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    token_id: Option<String>,
    tenant: Option<String>,
}

/// `POST /admin/revoke`: ends the streams of a user, or of one token, on every instance, and keeps the tokens out. A
/// tenant's administrator does that within the tenant.
pub(crate) async fn post_revoke(
    State(access): State<Arc<Access>>,
    request: Request,
) -> Result<Response, Problem> {
    let (request, body) = request.into_parts();
    let identity = administrator(&access, &request, Purpose::Change).await?;
    if access.is_open() {
        let detail =
            "without keys the relay is open to this machine, and there are no tokens to revoke";
        return Err(Problem::new(StatusCode::CONFLICT, "no-keys", detail));
    }
    if !is_json(&media_type(&request.headers)) {
        let detail = "send application/json as Content-Type";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail));
    }
    let body = read_body(&request.headers, body, 16 * 1024, Duration::from_secs(10)).await?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_quotes| bad(EXPECTS))?;
    let tenant = tenant(&identity, wanted.tenant.as_deref())?;
    let Some(tenant) = tenant else {
        let refusal = Refusal::NotAdmin(" of that tenant, or without a tenant");
        access.refused(&refusal, Some(&identity), &request).await;
        return Err(refusal.into());
    };
    let of = match (wanted.user, wanted.token_id) {
        (Some(user), None) if is_name(&user) => Revoke::Subject(within(tenant.as_ref(), &user)),
        (None, Some(token)) if is_name(&token) => Revoke::Token(within(tenant.as_ref(), &token)),
        _ => return Err(bad(EXPECTS)),
    };
    let action = match of {
        Revoke::Subject(_) => "revoke-user",
        Revoke::Token(_) => "revoke-token",
    };
    let revoked = access.streams.revoke(of, SystemTime::now()).await;
    revoked.map_err(|_cause| Problem::from(Refusal::Unavailable))?;
    access.audit.acted(action, &identity, None);
    Ok(Json(json!({ "outcome": "revoked" })).into_response())
}

const EXPECTS: &str = "expects {\"user\":\"…\"} or {\"token_id\":\"…\"}, with \"tenant\" if it is of one; names have 1 to \
                       256 bytes without control characters";

fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The tenant in which is revoked; nothing inside `Ok` when that is not the administrator's to choose.
fn tenant(identity: &Identity, named: Option<&str>) -> Result<Option<Option<Tenant>>, Problem> {
    let named =
        named.map(Tenant::parse).transpose().map_err(|invalid| bad(&invalid.to_string()))?;
    Ok(match (identity.tenant(), named) {
        (None, named) => Some(named),
        (Some(own), None) => Some(Some(own.clone())),
        (Some(own), Some(named)) => (*own == named).then_some(Some(named)),
    })
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-revocation", detail)
}
