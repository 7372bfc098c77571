use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hookwire_http::Problem;
use http::request::Parts;

use crate::{Access, Identity, Purpose, Refusal};

/// Lets only an administrator of the whole relay through: what is behind it belongs to all tenants.
pub async fn guard_admin(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let purpose = if parts.method.is_safe() { Purpose::Read } else { Purpose::Change };
    let identity = match administrator(&access, &parts, purpose).await {
        Ok(identity) => identity,
        Err(refusal) => return Problem::from(refusal).into_response(),
    };
    if identity.tenant().is_some() {
        let refusal = Refusal::NotAdmin(", and without a tenant");
        access.refused(&refusal, Some(&identity), &parts).await;
        return Problem::from(refusal).into_response();
    }
    let action = action(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    if purpose == Purpose::Change && response.status().is_success() {
        access.audit.acted(action, &identity, None);
    }
    response
}

fn action(request: &Parts) -> &'static str {
    match request.method {
        http::Method::DELETE => "drop-quarantined",
        http::Method::PUT => "change-log-filter",
        _ => "retry-quarantined",
    }
}

/// Finds out who a request comes from, who has to be an administrator, of whatever tenant.
pub(crate) async fn administrator(
    access: &Access,
    request: &Parts,
    purpose: Purpose,
) -> Result<Identity, Refusal> {
    let identity = access.identify(request, purpose).await?.identity;
    match &identity {
        Identity::User(grant) if !grant.is_admin() => {
            let refusal = Refusal::NotAdmin("");
            access.refused(&refusal, Some(&identity), request).await;
            Err(refusal)
        }
        _ => Ok(identity),
    }
}
