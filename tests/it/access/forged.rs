//! Tokens that were made without the secret, out of what everybody knows.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hookwire_tests::key_set;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// How the public key is written when it is taken for a secret.
pub(super) const SPELLINGS: [&str; 7] = [
    "SPKI, DER",
    "SPKI, PEM",
    "SPKI, PEM without its last line break",
    "PKCS1, DER",
    "PKCS1, PEM",
    "modulus",
    "modulus as text",
];

/// A token of HS256 whose secret is the public key that the relay is configured with.
pub(super) fn forged(spelling: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("test-only-key-a".into());
    encode(&header, claims, &EncodingKey::from_secret(&public_key(spelling))).unwrap()
}

fn public_key(spelling: &str) -> Vec<u8> {
    let set: Value = serde_json::from_str(&key_set("a")).unwrap();
    let text = |member: &str| set["keys"][0][member].as_str().unwrap().to_owned();
    let number = |member: &str| URL_SAFE_NO_PAD.decode(text(member)).unwrap();
    let integer = |member: &str| {
        let bytes = number(member);
        // A first bit that is set would make it negative.
        let sign = if bytes[0] >= 0x80 { vec![0] } else { vec![] };
        tagged(0x02, &[sign, bytes].concat())
    };
    let pkcs1 = tagged(0x30, &[integer("n"), integer("e")].concat());
    let rsa = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let bits = tagged(0x03, &[vec![0], pkcs1.clone()].concat());
    let spki = tagged(0x30, &[tagged(0x30, &rsa), bits].concat());
    match spelling {
        "SPKI, DER" => spki,
        "SPKI, PEM" => pem("PUBLIC KEY", &spki).into(),
        "SPKI, PEM without its last line break" => pem("PUBLIC KEY", &spki).trim_end().into(),
        "PKCS1, DER" => pkcs1,
        "PKCS1, PEM" => pem("RSA PUBLIC KEY", &pkcs1).into(),
        "modulus" => number("n"),
        "modulus as text" => text("n").into(),
        other => panic!("{other}"),
    }
}

/// One value in DER; all lengths here take less than 64 KiB.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [vec![tag], length, content.to_vec()].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The token with another signature of the right length.
pub(super) fn resigned(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// A token that says that it needs no signature.
pub(super) fn unsigned(claims: &Value) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))
}

/// The header of a token that names this key.
pub(super) fn header(kid: &str) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "typ": "JWT", "kid": kid }).to_string())
}
