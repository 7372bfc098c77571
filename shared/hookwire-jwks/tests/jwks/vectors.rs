//! Signatures that the RFCs publish, verified with the keys they publish.

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_jwks::{Algorithm, InvalidJws, Jwks, JwksConfig, JwksLocation, Jws, VerifyingKey};
use serde_json::{Value, json};

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// <https://www.rfc-editor.org/rfc/rfc7515#appendix-A.1>
fn hs256() -> (VerifyingKey, String) {
    let secret =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    (VerifyingKey::hs256(&secret), format!("{header}.{CLAIMS}.{signature}"))
}

/// <https://www.rfc-editor.org/rfc/rfc7515#appendix-A.2>
fn rs256() -> (Value, String) {
    let modulus = "\
        ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
        S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
        R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
        TW9gb54h4FRWyuXpoQ";
    let signature = "\
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU\
        Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d\
        O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig\
        cN_IoypGlUPQGe77Rw";
    let key = json!({ "kty": "RSA", "n": modulus, "e": "AQAB" });
    (key, format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{signature}"))
}

/// <https://www.rfc-editor.org/rfc/rfc7515#appendix-A.3>
fn es256() -> (Value, String) {
    let key = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    (key, format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{signature}"))
}

/// <https://www.rfc-editor.org/rfc/rfc8037#appendix-A.4>
fn ed25519() -> (Value, String) {
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    (key, token.into())
}

async fn only_key(key: &Value, algorithm: Algorithm) -> Option<Arc<VerifyingKey>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), json!({ "keys": [key] }).to_string()).unwrap();
    let location = JwksLocation::from(file.path().to_owned());
    let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
    jwks.only_key(algorithm).await.unwrap()
}

#[tokio::test]
async fn the_published_signatures_are_verified_each_with_its_own_key_only() {
    let (secret, by_secret) = hs256();
    let mut keys = vec![Arc::new(secret)];
    let mut tokens = vec![by_secret];
    for (algorithm, (key, token)) in
        [(Algorithm::Rs256, rs256()), (Algorithm::Es256, es256()), (Algorithm::EdDsa, ed25519())]
    {
        assert_eq!(Algorithm::from_name(Jws::parse(&token).unwrap().alg()), Some(algorithm));
        keys.push(only_key(&key, algorithm).await.unwrap());
        tokens.push(token);
    }
    for (of, key) in keys.iter().enumerate() {
        for (by, token) in tokens.iter().enumerate() {
            assert_eq!(key.verifies(&Jws::parse(token).unwrap()), of == by, "{key:?}: {token}");
        }
    }
}

#[tokio::test]
async fn a_point_that_is_not_on_the_curve_verifies_nothing() {
    let (mut key, token) = es256();
    key["y"] = json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4");
    if let Some(key) = only_key(&key, Algorithm::Es256).await {
        assert!(!key.verifies(&Jws::parse(&token).unwrap()));
    }
}

#[test]
fn what_is_no_signed_json_is_told_so() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"RS256"}"#);
    for (token, invalid) in [
        (String::new(), InvalidJws::Malformed),
        (header.clone(), InvalidJws::Malformed),
        (format!("{header}.e30"), InvalidJws::Malformed),
        (format!("{header}.e30."), InvalidJws::Malformed),
        (format!("{header}.e30.A"), InvalidJws::Malformed),
        (format!("{header}.e30.AAAA="), InvalidJws::Malformed),
        (format!("{header}.e30.AAAA.AAAA"), InvalidJws::Malformed),
        (format!("{}.e30.AAAA", part(r#"["RS256","a"]"#)), InvalidJws::Malformed),
        (format!("{}.e30.AAAA", part(r#"{"alg":"RS256","alg":"none"}"#)), InvalidJws::Malformed),
        (format!("{}.e30.AAAA", part(r#"{"kid":"a"}"#)), InvalidJws::Malformed),
        (format!("{}.e30.AAAA", part(r#"{"alg":"RS256","crit":[]}"#)), InvalidJws::Critical),
        (format!("{}.e30.AAAA", part(r#"{"alg":"RS256","crit":null}"#)), InvalidJws::Critical),
        ("A".repeat(Jws::MAX_BYTES + 1), InvalidJws::TooLarge),
    ] {
        let outcome = Jws::parse(&token).and_then(|jws| jws.claims::<Value>().map(|_| ()));
        assert_eq!(outcome, Err(invalid), "{token}");
    }
    let array = format!("{header}.{}.AAAA", part(r#"[1]"#));
    let array = Jws::parse(&array).unwrap();
    assert_eq!(array.claims::<Value>(), Err(InvalidJws::Malformed));
}

#[test]
fn debug_prints_show_neither_keys_nor_tokens() {
    let (key, token) = hs256();
    let jws = Jws::parse(&token).unwrap();
    assert_eq!(format!("{key:?} {jws:?}"), "VerifyingKey(HS256, …) Jws { .. }");
}
