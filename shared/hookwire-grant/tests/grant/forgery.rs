//! The known tricks against tokens, and changes at random.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hookwire_grant::{Algorithm, GrantConfig, TokenError};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use crate::token::{Fixture, Key, OTHER_SECRET, SECRET, Token, bad, sign};

const HS256: jsonwebtoken::Algorithm = jsonwebtoken::Algorithm::HS256;
const SIGNATURE: &str = "the token's signature is not valid";
const ALGORITHM: &str = "the token's alg is not one that is configured";
const KID: &str = "the token's kid is not among the published keys";
const NO_KID: &str = "the token's header names no key";
const TYPE: &str = "the token's typ";
const NO_JWT: &str = "the token is not a signed JWT";
const CRITICAL: &str = "the token's header asks for an extension";

/// Keys without a secret, as with an identity provider.
fn published() -> Fixture {
    let keys = [Key::RsaA, Key::Ec, Key::Ed].map(Key::published);
    Fixture::new(&[], &keys, &Algorithm::ALL, GrantConfig::default())
}

fn secrets() -> Fixture {
    Fixture::new(&[SECRET], &[], &[], GrantConfig::default())
}

/// Asserts that the token is refused for this reason, whatever is configured.
async fn assert_refused(fixture: &Fixture, token: &str, reasons: &[&str]) {
    let outcome = bad(fixture.verify(token).await);
    assert!(reasons.iter().any(|reason| outcome.starts_with(reason)), "{outcome}: {token}");
}

/// The spellings of a public key that libraries have been made to take for a secret.
fn spellings(key: Key) -> Vec<Vec<u8>> {
    let jwk = key.published();
    let part = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(part(name)).unwrap();
    let mut spellings =
        vec![jwk.to_string().into_bytes(), json!({ "keys": [jwk] }).to_string().into_bytes()];
    let ders = match key {
        Key::RsaA => {
            spellings.extend([part("n").into_bytes(), bytes("n")]);
            let rsa =
                der(0x30, &[der(2, &[vec![0], bytes("n")].concat()), der(2, &bytes("e"))].concat());
            let oid = vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
            let bits = der(3, &[vec![0], rsa.clone()].concat());
            vec![
                ("RSA PUBLIC KEY", rsa),
                ("PUBLIC KEY", der(0x30, &[der(0x30, &oid), bits].concat())),
            ]
        }
        Key::Ec => {
            let point = [vec![4], bytes("x"), bytes("y")].concat();
            spellings.extend([bytes("x"), point.clone()]);
            let oids = [
                0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,
                1, 7,
            ];
            let bits = der(3, &[vec![0], point].concat());
            vec![("PUBLIC KEY", der(0x30, &[der(0x30, &oids), bits].concat()))]
        }
        _ => {
            spellings.extend([part("x").into_bytes(), bytes("x")]);
            let bits = der(3, &[vec![0], bytes("x")].concat());
            vec![("PUBLIC KEY", der(0x30, &[der(0x30, &[6, 3, 0x2b, 0x65, 0x70]), bits].concat()))]
        }
    };
    for (label, der) in ders {
        let text = STANDARD.encode(&der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"));
        spellings.extend([der, format!("{pem}\n").into_bytes(), pem.into_bytes()]);
    }
    spellings
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match length {
        [0, short] if short < 128 => vec![short],
        [0, one] => vec![0x81, one],
        [high, low] => vec![0x82, high, low],
    };
    [vec![tag], length, content.to_vec()].concat()
}

#[tokio::test]
async fn a_public_key_is_nobodys_secret() {
    for key in [Key::RsaA, Key::Ec, Key::Ed] {
        for secret in spellings(key) {
            let secret = EncodingKey::from_secret(&secret);
            let own = Token::signed_by(key);
            let as_hs256 = own.clone().header("alg", json!("HS256")).signed_with(&secret, HS256);
            let unchanged = own.signed_with(&secret, HS256);
            assert_refused(&published(), &as_hs256, &[ALGORITHM]).await;
            assert_refused(&Fixture::everything(), &as_hs256, &[SIGNATURE]).await;
            assert_refused(&published(), &unchanged, &[SIGNATURE]).await;
        }
    }
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused_however_none_is_spelled() {
    for key in Key::OF_EACH {
        for alg in ["none", "None", "NONE", "nOnE", "none ", "", "null", "HS256", "RS256"] {
            let token = Token::signed_by(key).header("alg", json!(alg));
            for fixture in [Fixture::everything(), published(), secrets()] {
                for token in [token.unsigned(), format!("{}.", token.unsigned())] {
                    assert_refused(&fixture, &token, &[NO_JWT]).await;
                }
                for signature in
                    ["AAAA".to_owned(), "A".repeat(43), "A".repeat(86), "A".repeat(342)]
                {
                    let token = format!("{}.{signature}", token.unsigned());
                    assert_refused(&fixture, &token, &[ALGORITHM, SIGNATURE, KID]).await;
                }
            }
        }
        for alg in ["none", "None", "NONE"] {
            let token = Token::signed_by(key).header("alg", json!(alg)).signed();
            assert_refused(&Fixture::everything(), &token, &[ALGORITHM]).await;
        }
    }
    for alg in [json!(null), json!(["RS256"]), json!(256)] {
        let token = Token::signed_by(Key::RsaA).header("alg", alg).signed();
        assert_refused(&Fixture::everything(), &token, &[NO_JWT]).await;
    }
    let token = Token::signed_by(Key::RsaA).without_header("alg").signed();
    assert_refused(&Fixture::everything(), &token, &[NO_JWT]).await;
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithm_alone() {
    let fixture = Fixture::everything();
    for key in Key::OF_EACH {
        for other in Key::OF_EACH {
            let alg = json!(format!("{:?}", other.algorithm()));
            let token = Token::signed_by(key).header("alg", alg);
            if key.kid() != other.kid() {
                // The key is named, the algorithm is another's.
                assert_refused(&fixture, &token.signed(), &[KID, SIGNATURE]).await;
                // And with the other's key named as well.
                let token = token.header("kid", json!(other.kid()));
                assert_refused(&fixture, &token.signed(), &[SIGNATURE]).await;
                // And with none named.
                assert_refused(&fixture, &token.without_header("kid").signed(), &[SIGNATURE]).await;
            }
        }
    }
    for (alg, algorithm) in [
        ("RS384", jsonwebtoken::Algorithm::RS384),
        ("RS512", jsonwebtoken::Algorithm::RS512),
        ("PS256", jsonwebtoken::Algorithm::PS256),
    ] {
        let token = Token::signed_by(Key::RsaA);
        let honest = token.clone().header("alg", json!(alg));
        let private = Key::RsaA.private();
        assert_refused(&fixture, &honest.signed_with(&private, algorithm), &[ALGORITHM]).await;
        assert_refused(&fixture, &token.signed_with(&private, algorithm), &[SIGNATURE]).await;
    }
    for (alg, algorithm) in
        [("HS384", jsonwebtoken::Algorithm::HS384), ("HS512", jsonwebtoken::Algorithm::HS512)]
    {
        let token = Token::signed_by(Key::Secret).header("alg", json!(alg));
        let token = token.signed_with(&Key::Secret.private(), algorithm);
        assert_refused(&fixture, &token, &[ALGORITHM]).await;
    }
    for (key, alg) in
        [(Key::Secret, "hs256"), (Key::RsaA, "rs256"), (Key::Ed, "EDDSA"), (Key::Ed, "Ed25519")]
    {
        let token = Token::signed_by(key).header("alg", json!(alg));
        assert_refused(&fixture, &token.signed(), &[ALGORITHM]).await;
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_refused_although_its_key_is_there() {
    let keys = [Key::RsaA, Key::Ec, Key::Ed];
    for (at, accepted) in Algorithm::ALL.into_iter().enumerate() {
        let fixture =
            Fixture::new(&[], &keys.map(Key::published), &[accepted], GrantConfig::default());
        for (of, key) in keys.into_iter().enumerate() {
            let token = Token::signed_by(key).signed();
            if of == at {
                fixture.verify(&token).await.unwrap();
            } else {
                assert_refused(&fixture, &token, &[ALGORITHM]).await;
            }
        }
        let token = Token::signed_by(Key::Secret).signed();
        assert_refused(&fixture, &token, &[ALGORITHM]).await;
    }
    let fixture = Fixture::new(&[SECRET], &keys.map(Key::published), &[], GrantConfig::default());
    for key in keys {
        assert_refused(&fixture, &Token::signed_by(key).signed(), &[ALGORITHM]).await;
    }
    let nothing = Fixture::new(&[], &[], &[], GrantConfig::default());
    for key in Key::OF_EACH {
        assert_refused(&nothing, &Token::signed_by(key).signed(), &[ALGORITHM]).await;
        assert_eq!(
            secrets().verify(&Token::signed_by(key).signed()).await.is_ok(),
            key.kid() == "secret"
        );
    }
}

#[tokio::test]
async fn keys_that_the_token_brings_or_points_to_are_not_used() {
    let own = Key::RsaB.published();
    for kid in [Key::RsaA.kid(), Key::RsaB.kid()] {
        let token = Token::signed_by(Key::RsaB)
            .header("kid", json!(kid))
            .header("jwk", own.clone())
            .header("jku", json!("https://mallory.example/jwks.json"))
            .header("x5u", json!("https://mallory.example/cert.pem"))
            .header("x5c", json!(["MIIC"]));
        assert_refused(&published(), &token.signed(), &[SIGNATURE, KID]).await;
        assert_refused(&Fixture::everything(), &token.signed(), &[SIGNATURE, KID]).await;
    }
    let secret = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(OTHER_SECRET) });
    let token = Token::signed_by(Key::OtherSecret).header("jwk", secret);
    assert_refused(&secrets(), &token.signed(), &[SIGNATURE]).await;
    // Beside a key that is good they do no harm.
    let token = Token::signed_by(Key::RsaA).header("jwk", own).header("jku", json!(7));
    published().verify(&token.signed()).await.unwrap();
}

#[tokio::test]
async fn a_symmetric_key_in_the_published_set_signs_nothing() {
    let oct = json!({ "kty": "oct", "kid": "secret", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let keys = [oct, Key::RsaA.published()];
    let fixture = Fixture::new(&[], &keys, &Algorithm::ALL, GrantConfig::default());
    assert_refused(&fixture, &Token::signed_by(Key::Secret).signed(), &[ALGORITHM]).await;
    fixture.verify(&Token::signed_by(Key::RsaA).signed()).await.unwrap();
}

#[tokio::test]
async fn a_token_may_leave_its_key_unnamed_while_there_is_one_for_its_algorithm() {
    let unnamed = |key| Token::signed_by(key).without_header("kid").signed();
    for key in Key::OF_EACH {
        Fixture::everything().verify(&unnamed(key)).await.unwrap();
    }
    let two = [Key::RsaA, Key::RsaB, Key::Ec].map(Key::published);
    let two = Fixture::new(&[], &two, &Algorithm::ALL, GrantConfig::default());
    two.verify(&unnamed(Key::Ec)).await.unwrap();
    two.verify(&Token::signed_by(Key::RsaB).signed()).await.unwrap();
    assert_refused(&two, &unnamed(Key::RsaA), &[NO_KID]).await;
    assert_refused(&two, &unnamed(Key::RsaB), &[NO_KID]).await;
    assert_refused(&two, &unnamed(Key::Ed), &[NO_KID]).await;
    assert_refused(&two, &Token::signed_by(Key::Ed).signed(), &[KID]).await;
    assert_refused(&published(), &Token::signed_by(Key::RsaB).signed(), &[KID]).await;
}

#[tokio::test]
async fn a_token_made_for_something_else_is_refused() {
    let fixture = Fixture::everything();
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT"] {
        let token = Token::signed_by(Key::Secret).header("typ", json!(typ));
        fixture.verify(&token.signed()).await.unwrap();
    }
    fixture.verify(&Token::signed_by(Key::Secret).without_header("typ").signed()).await.unwrap();
    for typ in [
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!("application/at+jwt"),
        json!("JOSE"),
        json!(""),
        json!(null),
        json!(7),
        json!(["JWT"]),
    ] {
        let token = Token::signed_by(Key::Secret).header("typ", typ);
        assert_refused(&fixture, &token.signed(), &[TYPE]).await;
    }
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!(false)] {
        let token = Token::signed_by(Key::Secret).header("crit", crit);
        assert_refused(&fixture, &token.signed(), &[CRITICAL]).await;
    }
}

#[tokio::test]
async fn a_token_may_be_8_kib_long_and_no_longer() {
    let fixture = Fixture::everything();
    let sized = |bytes: usize| {
        Token::signed_by(Key::Secret).claim("more", json!("a".repeat(bytes))).signed()
    };
    // Three bytes of a claim take four in the token.
    let about = (8 * 1024 - sized(0).len()) * 3 / 4;
    let sizes = about - 3..about + 3;
    let longest = sizes.rev().map(sized).find(|token| token.len() <= 8 * 1024).unwrap();
    assert!(longest.len() > 8 * 1024 - 4);
    fixture.verify(&longest).await.unwrap();
    assert_refused(&fixture, &sized(about + 3), &["the token is larger than 8 KiB"]).await;
}

#[tokio::test]
async fn an_old_token_needs_no_keys_to_be_refused_and_a_new_one_waits_for_them() {
    let keys = json!({ "kty": "none" });
    let fixture = Fixture::new(&[], &[keys], &Algorithm::ALL, GrantConfig::default());
    let token = Token::signed_by(Key::RsaA);
    let outcome = fixture.verify(&token.signed()).await;
    assert!(matches!(outcome, Err(TokenError::KeysUnavailable(_))), "{outcome:?}");
    let outcome = fixture.verify(&token.claim("exp", json!(7)).signed()).await;
    assert!(matches!(outcome, Err(TokenError::Expired)), "{outcome:?}");
}

/// <https://www.rfc-editor.org/rfc/rfc7515#appendix-A.1>, which has no `sub`.
#[tokio::test]
async fn the_published_example_is_verified_before_its_user_is_looked_for() {
    let secret =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let secret = hookwire_grant::HmacSecret::new(secret).unwrap();
    let config = GrantConfig { secrets: vec![secret], ..GrantConfig::default() };
    let verifier = hookwire_grant::Verifier::new(config);
    let unsigned = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let now = crate::token::at(1_300_819_000);
    for (signature, reason) in [
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "the token's sub is not a user"),
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXg", SIGNATURE),
    ] {
        let outcome = bad(verifier.verify(&format!("{unsigned}.{signature}"), now).await);
        assert!(outcome.starts_with(reason), "{outcome}");
    }
}

#[tokio::test]
async fn no_token_survives_the_change_of_any_one_byte() {
    let fixture = Fixture::everything();
    for key in [Key::Secret, Key::Ed] {
        let token = Token::signed_by(key).signed();
        fixture.verify(&token).await.unwrap();
        for at in 0..token.len() {
            for to in 0..=127 {
                let mut changed = token.clone().into_bytes();
                if changed[at] != to {
                    changed[at] = to;
                    let changed = String::from_utf8(changed).unwrap();
                    let outcome = fixture.verify(&changed).await;
                    // The time is looked at first, so a changed one may be refused for itself.
                    assert!(outcome.is_err(), "{changed}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_token_survives_changes_at_random() {
    let seed = 0x9e37_79b9_7f4a_7c15;
    let mut random = Xorshift(seed);
    let fixture = Fixture::everything();
    let tokens = Key::OF_EACH.map(|key| Token::signed_by(key).signed());
    for round in 0..8_000 {
        let token = &tokens[round % tokens.len()];
        let mut changed = token.clone().into_bytes();
        for _ in 0..=random.below(3) {
            if changed.is_empty() {
                break;
            }
            let at = random.below(changed.len());
            let other = random.below(changed.len());
            let byte = b"ABCxyz019-_.=+/ ~\n"[random.below(18)];
            match random.below(5) {
                0 => changed[at] = byte,
                1 => changed.insert(at, byte),
                2 => drop(changed.remove(at)),
                3 => changed.swap(at, other),
                _ => changed.truncate(at.max(1)),
            }
        }
        let changed = String::from_utf8(changed).unwrap();
        if changed != *token {
            let outcome = fixture.verify(&changed).await;
            assert!(outcome.is_err(), "seed {seed:#x}, round {round}: {changed}");
        }
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    let fixture = Fixture::everything();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"HS256"}"#);
    let token = Token::signed_by(Key::Secret).signed();
    let deep = "[".repeat(4000);
    for garbage in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "null".into(),
        "ü.ü.ü".into(),
        format!("Bearer {token}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}="),
        format!("{token}.{token}"),
        format!("{header}.{}.AAAA", part(&deep)),
        format!("{}.e30.AAAA", part(&format!(r#"{{"alg":{deep}"#))),
        format!("{header}.{}.AAAA", part(r#"{"exp":1e999}"#)),
        "A".repeat(1024 * 1024),
    ] {
        let outcome = fixture.verify(&garbage).await;
        assert!(matches!(outcome, Err(TokenError::Bad { .. })), "{outcome:?}");
    }
    let not_canonical = URL_SAFE_NO_PAD.encode(Value::to_string(&json!({ "alg": "HS256" })));
    let unsigned = format!("{not_canonical}=.e30");
    let padded = sign(&unsigned, &Key::Secret.private(), HS256);
    assert_refused(&fixture, &padded, &[NO_JWT]).await;
}

/// Enough randomness to pick bytes, the same in every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}
