use serde_json::json;

use crate::args::Revoke;
use crate::publish::{print_answer, resource};

/// `hookwire revoke`: ends the streams of a user or of one token, and keeps the tokens out.
pub(crate) async fn revoke(revoke: Revoke) -> anyhow::Result<()> {
    let mut wanted = serde_json::Map::new();
    let named = [("user", revoke.user), ("token_id", revoke.token_id), ("tenant", revoke.tenant)];
    wanted.extend(named.into_iter().filter_map(|(name, value)| Some((name.into(), json!(value?)))));
    let url = resource(&revoke.relay.url, &["admin", "revoke"])?;
    let request =
        revoke.relay.client()?.build()?.post(url).header("content-type", "application/json");
    print_answer(request.body(serde_json::to_vec(&wanted)?).send().await?).await
}
