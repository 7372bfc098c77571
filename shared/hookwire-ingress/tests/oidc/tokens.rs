//! Which tokens are good, which are bad and which are a stranger's.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_ingress::oidc::{OidcConfig, OidcVerifier, VerifyError};
use hookwire_jwks::{Jwks, JwksConfig};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, KEYS_A, KEYS_B};
use crate::token::{AUDIENCE, EMAIL, Key, NOW, Token, at, bearer, config, verify, verify_headers};

fn good() -> Token {
    Token::signed_by(Key::A)
}

async fn endpoint() -> (Endpoint, Arc<Jwks>) {
    let endpoint = Endpoint::start().await;
    let jwks = endpoint.jwks();
    (endpoint, jwks)
}

/// What a refusal says, for the tables below.
fn bad(outcome: Result<impl std::fmt::Debug, VerifyError>) -> &'static str {
    match outcome {
        Err(VerifyError::BadToken { reason }) => reason,
        other => panic!("not refused as a bad token: {other:?}"),
    }
}

fn stranger(outcome: Result<impl std::fmt::Debug, VerifyError>) -> &'static str {
    match outcome {
        Err(VerifyError::Stranger { reason }) => reason,
        other => panic!("not refused as a stranger: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_of_the_configured_account_is_let_in() {
    let (_endpoint, jwks) = endpoint().await;
    let caller = verify(&jwks, &good()).await.unwrap();
    assert_eq!(caller.email(), EMAIL);
    assert!(!format!("{caller:?}").contains(EMAIL));

    let other_spelling = good().claim("iss", json!("accounts.google.com"));
    verify(&jwks, &other_spelling).await.unwrap();
    verify(&jwks, &good().without_header("typ")).await.unwrap();
    verify(&jwks, &good().header("typ", json!("at+jwt"))).await.unwrap();
    verify(&jwks, &good().claim("nbf", json!(NOW))).await.unwrap();
}

#[tokio::test]
async fn the_scheme_is_compared_without_case() {
    let (_endpoint, jwks) = endpoint().await;
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let mut headers = HeaderMap::new();
        let value = format!("{scheme} {}", good().signed());
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        verify_headers(&jwks, &headers).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_told_to_bring_one() {
    let (_endpoint, jwks) = endpoint().await;
    let outcome = verify_headers(&jwks, &HeaderMap::new()).await;
    assert!(matches!(outcome, Err(VerifyError::MissingToken)));
}

#[tokio::test]
async fn a_token_that_google_did_not_make_for_now_is_bad() {
    let (_endpoint, jwks) = endpoint().await;
    let issued_at = NOW - 100;
    let lifetime = "the token's lifetime";
    let types = "the token's iat and exp are not both numbers";
    for (token, reason) in [
        (good().claim("iss", json!("https://accounts.example")), "the token's iss"),
        (good().claim("iss", json!("https://accounts.google.com/")), "the token's iss"),
        (good().claim("iss", json!(["https://accounts.google.com"])), "the token's iss"),
        (good().without_claim("iss"), "the token's iss"),
        (good().claim("exp", json!(NOW - 60)), "the token is expired"),
        (good().claim("exp", json!(-1)), "the token is expired"),
        (good().claim("exp", json!((NOW + 3600).to_string())), types),
        (good().claim("exp", json!(null)), types),
        (good().without_claim("exp"), types),
        (good().claim("iat", json!(issued_at.to_string())), types),
        (good().without_claim("iat"), types),
        (good().claim("exp", json!(issued_at + 24 * 3600 + 1)), lifetime),
        (good().claim("exp", json!(u64::MAX)), lifetime),
        (good().claim("exp", json!(f64::MAX)).claim("iat", json!(f64::MIN)), lifetime),
        (good().claim("iat", json!(i64::MIN)), lifetime),
        (good().claim("iat", json!(NOW + 61)), "the token's iat is in the future"),
        (good().claim("nbf", json!(NOW + 61)), "the token is not valid yet"),
        (good().claim("nbf", json!("0")), "the token is not valid yet"),
        (good().claim("aud", json!([AUDIENCE])), "the token's aud is not one string"),
        (good().without_claim("aud"), "the token's aud is not one string"),
    ] {
        let outcome = bad(verify(&jwks, &token).await);
        assert!(outcome.starts_with(reason), "{outcome}: {}", token.claims);
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_no_more() {
    let (_endpoint, jwks) = endpoint().await;
    for token in [
        good().claim("exp", json!(NOW - 59)),
        good().claim("iat", json!(NOW + 60)),
        good().claim("nbf", json!(NOW + 60)),
        good().claim("exp", json!(NOW - 100 + 24 * 3600)),
        good().claim("exp", json!(NOW as f64 + 0.5)),
    ] {
        verify(&jwks, &token).await.unwrap();
    }
}

#[tokio::test]
async fn a_good_token_of_someone_else_is_a_strangers() {
    let (_endpoint, jwks) = endpoint().await;
    for (token, reason) in [
        (good().claim("aud", json!("https://other.example")), "the token's aud"),
        (good().claim("aud", json!(AUDIENCE.to_uppercase())), "the token's aud"),
        (good().claim("aud", json!(format!("{AUDIENCE}/"))), "the token's aud"),
        (good().claim("aud", json!("")), "the token's aud"),
        (good().claim("email", json!("mallory@example.com")), "the token's email is not"),
        (good().claim("email", json!(format!("{EMAIL}.example"))), "the token's email is not"),
        (good().claim("email", json!([EMAIL])), "the token names no account"),
        (good().without_claim("email"), "the token names no account"),
        (good().claim("email_verified", json!(false)), "the token's email_verified"),
        (good().claim("email_verified", json!("true")), "the token's email_verified"),
        (good().claim("email_verified", json!(1)), "the token's email_verified"),
        (good().without_claim("email_verified"), "the token's email_verified"),
    ] {
        let outcome = stranger(verify(&jwks, &token).await);
        assert!(outcome.starts_with(reason), "{outcome}: {}", token.claims);
    }
}

#[tokio::test]
async fn without_a_configured_email_every_verified_account_is_let_in() {
    let (_endpoint, jwks) = endpoint().await;
    let verifier = OidcVerifier::new(OidcConfig::new(AUDIENCE, None), jwks);
    let someone = good().claim("email", json!("someone@example.com"));
    let caller = verifier.verify(&bearer(&someone.signed()), at(NOW)).await.unwrap();
    assert_eq!(caller.email(), "someone@example.com");

    let unverified = someone.claim("email_verified", json!(false));
    stranger(verifier.verify(&bearer(&unverified.signed()), at(NOW)).await);
}

#[tokio::test]
async fn a_token_must_be_good_before_its_owner_is_looked_at() {
    let (_endpoint, jwks) = endpoint().await;
    let stranger = good().claim("aud", json!("https://other.example"));
    let expired = stranger.clone().claim("exp", json!(NOW - 60));
    bad(verify(&jwks, &expired).await);
    let forged = format!("{}.{}", stranger.unsigned(), "A".repeat(342));
    bad(verify_headers(&jwks, &bearer(&forged)).await);
}

#[tokio::test]
async fn only_an_rs256_signature_of_the_named_key_over_the_whole_token_counts() {
    let (_endpoint, jwks) = endpoint().await;
    let signature = "the token's signature is not valid";
    let algorithm = "the token's alg is not RS256";
    let unsigned = "the token is not a signed JWT";
    let signed = good().signed();
    let (_, of_good) = signed.rsplit_once('.').unwrap();
    let tampered = format!("{}.{of_good}", good().claim("sub", json!("1")).unsigned());
    let other_header = format!("{}.{of_good}", good().header("typ", json!("jwt")).unsigned());

    let public_key = EncodingKey::from_secret(KEYS_A.as_bytes());
    let by_another = Token::signed_by(Key::B).header("kid", json!(Key::A.kid()));
    for (token, reason) in [
        (tampered, signature),
        (other_header, signature),
        (by_another.signed(), signature),
        (good().signed_with_rs512(), signature),
        (good().signed_with(&public_key, Algorithm::HS256), signature),
        (good().header("alg", json!("RS512")).signed_with_rs512(), algorithm),
        (
            good().header("alg", json!("HS256")).signed_with(&public_key, Algorithm::HS256),
            algorithm,
        ),
        (good().header("alg", json!("rs256")).signed(), algorithm),
        (good().header("alg", json!("none")).signed(), algorithm),
        (format!("{}.", good().header("alg", json!("none")).unsigned()), unsigned),
        (format!("{}.", good().unsigned()), unsigned),
        (good().header("crit", json!(["exp"])).signed(), "the token's header asks for"),
        (good().header("crit", json!(null)).signed(), "the token's header asks for"),
        (good().without_header("kid").signed(), "the token's header names no key"),
    ] {
        let outcome = bad(verify_headers(&jwks, &bearer(&token)).await);
        assert!(outcome.starts_with(reason), "{outcome}: {token}");
    }
}

#[tokio::test]
async fn keys_in_the_token_itself_are_not_used() {
    let (endpoint, jwks) = endpoint().await;
    let own: Value = serde_json::from_str(KEYS_B).unwrap();
    let token = Token::signed_by(Key::B)
        .header("kid", json!(Key::A.kid()))
        .header("jwk", own["keys"][0].clone())
        .header("jku", json!("https://mallory.example/certs"));
    assert_eq!(bad(verify(&jwks, &token).await), "the token's signature is not valid");
    assert_eq!(endpoint.hits(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_anyway_causes_no_fetch() {
    let (endpoint, jwks) = endpoint().await;
    verify(&jwks, &good()).await.unwrap();
    let unknown = || Token::signed_by(Key::B);
    for token in [
        unknown().claim("exp", json!(NOW - 3000)),
        unknown().claim("iss", json!("https://accounts.example")),
        unknown().header("alg", json!("HS256")),
        unknown().header("crit", json!(["b64"])),
    ] {
        assert!(verify(&jwks, &token).await.is_err());
    }
    let unsigned = format!("{}.", unknown().unsigned());
    assert!(verify_headers(&jwks, &bearer(&unsigned)).await.is_err());
    assert_eq!(endpoint.hits(), 1);

    let outcome = bad(verify(&jwks, &unknown()).await);
    assert!(outcome.starts_with("the token's kid is not among the published"), "{outcome}");
    assert_eq!(endpoint.hits(), 2);
}

#[tokio::test]
async fn nobody_is_let_in_or_refused_for_good_while_there_are_no_keys() {
    let location = "/nowhere/jwks.json".parse().unwrap();
    let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
    let outcome = verify(&jwks, &good()).await;
    assert!(matches!(outcome, Err(VerifyError::KeysUnavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_token_that_was_good_is_looked_at_again_when_it_may_not_be() {
    let (_endpoint, jwks) = endpoint().await;
    let verifier = OidcVerifier::new(config(), jwks);
    let (token, other) = (bearer(&good().signed()), bearer(&good().header("x", json!(1)).signed()));
    for _ in 0..2 {
        verifier.verify(&token, at(NOW)).await.unwrap();
        verifier.verify(&other, at(NOW)).await.unwrap();
    }
    let expired = bad(verifier.verify(&token, at(NOW + 24 * 60 * 60)).await);
    assert!(expired.starts_with("the token is expired"), "{expired}");
    let early = bad(verifier.verify(&token, at(NOW - 24 * 60 * 60)).await);
    assert!(early.starts_with("the token's iat is in the future"), "{early}");
    verifier.verify(&token, at(NOW)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_good_is_not_when_its_key_is_withdrawn_or_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, KEYS_A).unwrap();
    let location = file.to_str().unwrap().parse().unwrap();
    let verifier = OidcVerifier::new(config(), Arc::new(Jwks::new(JwksConfig::new(location))));
    let token = bearer(&good().signed());
    for (keys, refusal) in [
        (KEYS_A.to_owned(), None),
        (KEYS_B.to_owned(), Some("the token's kid is not among")),
        (KEYS_A.to_owned(), None),
        (KEYS_B.replace(Key::B.kid(), Key::A.kid()), Some("the token's signature is not valid")),
    ] {
        std::fs::write(&file, keys).unwrap();
        // Longer than a file is trusted, and than another look for an unknown key is put off.
        tokio::time::advance(Duration::from_secs(61)).await;
        for _ in 0..2 {
            let outcome = verifier.verify(&token, at(NOW)).await;
            match refusal {
                None => assert!(outcome.is_ok(), "{outcome:?}"),
                Some(refusal) => assert!(bad(outcome).starts_with(refusal)),
            }
        }
    }
}

#[tokio::test]
async fn a_token_may_be_8_kib_long_and_no_longer() {
    let (_endpoint, jwks) = endpoint().await;
    let sized = |bytes: usize| good().claim("sub", json!("a".repeat(bytes))).signed();
    // Three bytes of a claim take four in the token.
    let about = (8 * 1024 - sized(0).len()) * 3 / 4;
    let sizes = about - 3..about + 3;
    let longest = sizes.rev().map(sized).find(|token| token.len() <= 8 * 1024).unwrap();
    assert!(longest.len() > 8 * 1024 - 4);
    verify_headers(&jwks, &bearer(&longest)).await.unwrap();

    let longer = sized(about + 3);
    let outcome = bad(verify_headers(&jwks, &bearer(&longer)).await);
    assert_eq!(outcome, "the token is larger than 8 KiB");
}

#[tokio::test]
async fn a_claim_given_twice_is_refused() {
    let (_endpoint, jwks) = endpoint().await;
    let claims = good().claims.to_string();
    let twice = claims.replacen('{', r#"{"aud":"https://other.example","#, 1);
    let header = URL_SAFE_NO_PAD.encode(good().header.to_string());
    let token = format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(twice));
    assert!(bad(verify_headers(&jwks, &bearer(&token)).await).contains("not a signed JWT"));
}

#[tokio::test]
async fn garbage_is_refused_without_a_fetch() {
    let (endpoint, jwks) = endpoint().await;
    let token = good().signed();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let deep = "[".repeat(4000);
    let mut values: Vec<Vec<u8>> = [
        String::new(),
        " ".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer .".to_owned(),
        "Bearer ..".to_owned(),
        "Bearer ...".to_owned(),
        "Bearer null".to_owned(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token}.{token}"),
        format!("Bearer {token},Bearer {token}"),
        format!("Bearer {token} x"),
        format!("Bearer {token}="),
        format!("Bearer \"{token}\""),
        format!("Bearer {}", "A".repeat(8 * 1024 + 1)),
        format!("Bearer {}", "A".repeat(1024 * 1024)),
        format!("Bearer {}", ".".repeat(8 * 1024)),
        format!("Bearer {}.e30.AAAA", part("{}")),
        format!("Bearer {}.e30.AAAA", part("[]")),
        format!("Bearer {}.e30.AAAA", part(r#"{"alg":7,"kid":"a"}"#)),
        format!("Bearer {}.e30.AAAA", part(r#"{"alg":"RS256","kid":7}"#)),
        format!("Bearer {}.e30.AAAA", part(r#"{"alg":"RS256","alg":"RS256","kid":"a"}"#)),
        format!("Bearer {}.W10.AAAA", part(r#"{"alg":"RS256","kid":"a"}"#)),
        format!("Bearer {}.e30.AAAA", part(r#"{"alg":"RS256","kid":"a"}"#)),
        format!("Bearer {}.e30.A", part(r#"{"alg":"RS256","kid":"a"}"#)),
        format!("Bearer {}.{}.AAAA", part(r#"{"alg":"RS256","kid":"a"}"#), part(&deep)),
        format!("Bearer {}.e30.AAAA", part(&deep)),
    ]
    .map(String::into_bytes)
    .into();
    values.push(b"Bearer \xff\xfe.\x80.\x80".to_vec());
    values.push(b"\xe2\x80\x83Bearer x".to_vec());
    // Every prefix that ends inside the signature's first characters or before.
    let (signed, _) = token.rsplit_once('.').unwrap();
    let prefixes = (0..=signed.len() + 1).map(|end| token.get(..end).unwrap());
    values.extend(prefixes.map(|prefix| format!("Bearer {prefix}").into_bytes()));

    for value in values {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
        bad(verify_headers(&jwks, &headers).await);
    }
    let mut twice = bearer(&token);
    twice.append(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    bad(verify_headers(&jwks, &twice).await);
    assert_eq!(endpoint.hits(), 0);
}

#[tokio::test]
async fn no_changed_character_of_a_token_gets_it_in() {
    let (_endpoint, jwks) = endpoint().await;
    let token = good().signed();
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2000 {
        let mut changed = token.clone().into_bytes();
        let at = random.below(changed.len());
        let alphabet = b"ABCxyz019-_.=+/ ~";
        let to = alphabet[random.below(alphabet.len())];
        if changed[at] == to {
            continue;
        }
        changed[at] = to;
        let changed = String::from_utf8(changed).unwrap();
        let outcome = verify_headers(&jwks, &bearer(&changed)).await;
        assert!(matches!(outcome, Err(VerifyError::BadToken { .. })), "{changed}: {outcome:?}");
    }
}

#[tokio::test]
async fn refusals_never_quote_the_token() {
    let (_endpoint, jwks) = endpoint().await;
    let secret = "mallory-7f3a";
    for token in [
        good().claim("aud", json!(secret)),
        good().claim("iss", json!(secret)),
        good().claim("email", json!(secret)),
        good().claim("email_verified", json!(secret)),
        good().claim("exp", json!(secret)),
        good().header("alg", json!(secret)),
        good().header("kid", json!(secret)),
        good().header("crit", json!([secret])),
    ] {
        let error = verify(&jwks, &token).await.unwrap_err();
        let texts = format!("{error} {error:?}");
        for quoted in [secret, EMAIL, AUDIENCE] {
            assert!(!texts.contains(quoted), "{texts}");
        }
    }
}

#[tokio::test]
async fn the_configured_times_are_kept() {
    let (_endpoint, jwks) = endpoint().await;
    let mut strict = config();
    strict.leeway = Duration::ZERO;
    strict.max_lifetime = Duration::from_secs(3599);
    let verifier = OidcVerifier::new(strict, jwks);
    let longer = bad(verifier.verify(&bearer(&good().signed()), at(NOW)).await);
    assert!(longer.starts_with("the token's lifetime"), "{longer}");
    let expired = good().claim("exp", json!(NOW));
    let expired = bad(verifier.verify(&bearer(&expired.signed()), at(NOW)).await);
    assert!(expired.starts_with("the token is expired"), "{expired}");
}

/// Enough randomness to pick characters, the same in every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}
