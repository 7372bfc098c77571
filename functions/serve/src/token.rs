use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, bail};
use hookwire_grant::{Claims, mint};

use crate::args::Token;
use crate::config::load;

/// `hookwire token`: makes a token that the relay takes, and prints nothing else.
pub(crate) async fn token(path: Option<PathBuf>, token: Token) -> anyhow::Result<()> {
    let (config, _warnings) = load(path).await?;
    let Some((signing, verifier)) = config.access.signing.zip(config.access.verifier) else {
        bail!(
            "there is no secret to sign with; set HOOKWIRE_JWT_SECRET, or `jwt_secret` in hookwire.toml, for this command \
             and for the relay. `openssl rand -base64 48` makes one. Tokens for the public keys of `jwks` come from \
             whoever has the private ones"
        );
    };
    let now = SystemTime::now();
    let claims = Claims {
        user: token.user,
        tenant: token.tenant,
        subscribe: token.subscribe,
        publish: token.publish,
        admin: token.admin,
        issued_at: now,
        expires_at: now + token.lasts,
        token_id: token.id,
        audience: signing.audience,
        issuer: signing.issuer,
    };
    let minted = mint(&signing.secret, &claims);
    verifier.verify(&minted, now).await.context("the relay would not take this token")?;
    Ok(writeln!(std::io::stdout(), "{minted}")?)
}
