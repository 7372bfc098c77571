use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::*;

/// The example of the specification's libraries, such as `test_webhook.py` of the package `standardwebhooks`.
/// Source: <https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries>
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MESSAGE_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: u64 = 1_614_265_330;
const BODY: &str = r#"{"test": 2432232314}"#;
const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// Another secret of the right length.
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn verify(keys: &[&str], signature: &str, body: &str, now: u64) -> Result<(), Unproven> {
    let keys = keys.iter().map(|key| key.parse().unwrap()).collect();
    let mut headers = HeaderMap::new();
    headers.insert(ID, MESSAGE_ID.parse().unwrap());
    headers.insert(TIMESTAMP, AT.to_string().parse().unwrap());
    headers.insert(SIGNATURE, signature.parse().unwrap());
    let now = UNIX_EPOCH + Duration::from_secs(now);
    StandardWebhooks::new(keys).verify_body(&headers, body.as_bytes(), now)
}

#[test]
fn the_libraries_example_is_accepted_for_five_minutes() {
    for (now, fresh) in
        [(AT, true), (AT + 300, true), (AT - 300, true), (AT + 301, false), (AT - 301, false)]
    {
        assert_eq!(verify(&[SECRET], V1, BODY, now).is_ok(), fresh, "{now}");
    }
}

#[test]
fn one_signature_that_fits_one_key_is_enough() {
    let many = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x v1a,nonsense {V1}");
    verify(&[OTHER, SECRET], &many, BODY, AT).unwrap();
    for (keys, signature, body) in [
        (&[OTHER][..], V1, BODY),
        (&[SECRET], V1, r#"{"test":2432232314}"#),
        (&[SECRET], &V1.replace("v1,", "v1a,"), BODY),
        (&[SECRET], &V1.replace("v1,", "v2,"), BODY),
        (&[SECRET], &V1.replace("v1,", ""), BODY),
        (&[SECRET], "v1,", BODY),
        (&[SECRET], &format!("{}{V1}", "v1,AAAA ".repeat(16)), BODY),
        (&[], V1, BODY),
    ] {
        assert!(verify(keys, signature, body, AT).is_err(), "{signature}");
    }
}

#[test]
fn a_signature_of_a_private_key_is_verified_with_the_public_one() {
    let pair = |seed: u8| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let public = |pair: &Ed25519KeyPair| format!("whpk_{}", STANDARD.encode(pair.public_key()));
    let signed = format!("{MESSAGE_ID}.{AT}.{BODY}");
    let v1a = format!("v1a,{}", STANDARD.encode(pair(1).sign(signed.as_bytes())));
    verify(&[&public(&pair(2)), &public(&pair(1))], &v1a, BODY, AT).unwrap();
    verify(&[SECRET, &public(&pair(1))], &format!("v1,AAAA {v1a}"), BODY, AT).unwrap();
    for (keys, signature, body) in [
        (&[public(&pair(2)).as_str()][..], v1a.as_str(), BODY),
        (&[&public(&pair(1))], &v1a, "{}"),
        // A public key is public: an HMAC made with it proves nothing.
        (&[&public(&pair(1))], V1, BODY),
        (&[&public(&pair(1))], &v1a.replace("v1a", "v1"), BODY),
        (&[SECRET], &v1a, BODY),
    ] {
        assert!(verify(keys, signature, body, AT).is_err(), "{signature}");
    }
}

#[test]
fn what_is_no_key_says_why_and_is_not_repeated() {
    let short = format!("whsec_{}", STANDARD.encode([7; 23]));
    let long = format!("whsec_{}", STANDARD.encode([7; 65]));
    let public = format!("whpk_{}", STANDARD.encode([7; 31]));
    for (text, wrong) in [
        (short.as_str(), InvalidKey::SecretLength(23)),
        (&long, InvalidKey::SecretLength(65)),
        (&public, InvalidKey::PublicLength(31)),
        ("whsec_not base64", InvalidKey::Base64),
        ("whsk_6Xb/", InvalidKey::Private),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", InvalidKey::Prefix),
        ("", InvalidKey::Prefix),
    ] {
        assert_eq!(text.parse::<VerifyingKey>().unwrap_err(), wrong, "{text}");
    }
    assert!(format!("{:?}", SECRET.parse::<VerifyingKey>()).contains('…'));
}
