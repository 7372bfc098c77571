//! Nothing that proves or names anybody is printed.

use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex};

use hookwire_event::Tenant;
use hookwire_grant::{Claims, HmacSecret, TokenError, TopicPattern, mint};
use serde_json::json;

use crate::token::{Fixture, Key, SECRET, Token, at, bad};

const WORD: &str = "mallory-7f3a";

/// Tokens that hold the word wherever one can.
fn tokens() -> Vec<Token> {
    let good = || Token::signed_by(Key::RsaA).claim("sub", json!(WORD));
    let granted = json!({ "subscribe": [WORD], "publish": [format!("{WORD}/**")] });
    let mut tokens = vec![
        good().claim("hookwire", granted).claim("jti", json!(WORD)).claim("tenant", json!(WORD)),
        good().claim("hookwire", json!({ "subscribe": [format!("{{{WORD}}}")] })),
        good().claim("hookwire", json!({ "publish": [format!("{WORD}*")] })),
        good().claim("hookwire", json!({ "admin": WORD })),
        good().claim("hookwire", json!({ WORD: WORD })),
        good().claim("sub", json!([WORD])),
        good().claim("tenant", json!(format!("{WORD}*"))),
        Token::signed_by(Key::RsaB).header("kid", json!(Key::RsaA.kid())).claim("sub", json!(WORD)),
    ];
    for name in ["alg", "kid", "typ", "crit", "jwk", WORD] {
        tokens.push(good().header(name, json!(WORD)));
    }
    for name in ["iss", "aud", "exp", "nbf", "iat", "jti", "hookwire", WORD] {
        tokens.push(good().claim(name, json!(WORD)));
    }
    tokens
}

fn assert_silent(printed: &str, token: &str) {
    let (_, signature) = token.rsplit_once('.').unwrap();
    for quoted in [WORD, SECRET, token, signature] {
        assert!(!printed.contains(quoted), "{printed}");
    }
}

#[tokio::test]
async fn neither_errors_nor_debug_prints_nor_logs_show_what_a_token_says() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let fixture = Fixture::everything();
    let without_keys = {
        let keys = [json!({ "kty": "none", "kid": WORD })];
        Fixture::new(&[], &keys, &hookwire_grant::Algorithm::ALL, Default::default())
    };
    for token in tokens() {
        let token = token.signed();
        for outcome in [fixture.verify(&token).await, without_keys.verify(&token).await] {
            assert_silent(&format!("{outcome:?} {outcome:#?}"), &token);
            let mut cause: Option<&dyn Error> = outcome.as_ref().err().map(|error| error as _);
            while let Some(error) = cause {
                assert_silent(&error.to_string(), &token);
                cause = error.source();
            }
        }
        assert_silent(&fixture.debug(), &token);
        assert_silent(&log.text(), &token);
    }
    assert!(log.text().contains("signing keys cannot be fetched"), "nothing was logged at all");
}

#[test]
fn debug_prints_show_neither_secrets_nor_what_is_minted() {
    let secret = HmacSecret::new(SECRET).unwrap();
    assert_eq!(format!("{secret:?}"), "…");
    let pattern = TopicPattern::parse(WORD).unwrap();
    let claims = Claims {
        user: WORD.into(),
        tenant: Tenant::parse(WORD).ok(),
        subscribe: vec![pattern.clone()],
        publish: vec![pattern.clone()],
        admin: true,
        issued_at: at(0),
        expires_at: at(1),
        token_id: Some(WORD.into()),
        audience: Some(WORD.into()),
        issuer: Some(WORD.into()),
    };
    let token = mint(&secret, &claims);
    assert_silent(&format!("{claims:?} {pattern:?} {secret:?}"), &token);
    let invalid = HmacSecret::new(WORD).unwrap_err();
    assert_silent(&format!("{invalid} {invalid:?}"), &token);
    let invalid = TopicPattern::parse(&format!("{WORD}*")).unwrap_err();
    assert_silent(&format!("{invalid} {invalid:?}"), &token);
}

#[tokio::test]
async fn a_user_is_logged_as_a_hash() {
    let fixture = Fixture::everything();
    let of = async |user: &str| {
        let token = Token::signed_by(Key::Secret).claim("sub", json!(user)).signed();
        fixture.verify(&token).await.unwrap()
    };
    let alice = of("alice").await;
    let hash = alice.user_hash();
    assert!(hash.len() == 8 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    assert_eq!(hash, of("alice").await.user_hash());
    assert_ne!(hash, of("bob").await.user_hash());
    assert_eq!(format!("{alice:?}"), format!("Grant({hash})"));
}

#[tokio::test]
async fn every_refusal_has_a_word_of_its_own() {
    let fixture = Fixture::everything();
    let expired = Token::signed_by(Key::Secret).claim("exp", json!(7)).signed();
    let early = Token::signed_by(Key::Secret).claim("nbf", json!(4e9)).signed();
    assert_eq!(TokenError::Missing.kind(), "missing-token");
    assert_eq!(fixture.verify("").await.unwrap_err().kind(), "bad-token");
    assert_eq!(fixture.verify(&expired).await.unwrap_err().kind(), "expired-token");
    assert_eq!(fixture.verify(&early).await.unwrap_err().kind(), "token-not-yet-valid");
    assert!(bad(fixture.verify("").await).starts_with("the token is not a signed JWT"));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
