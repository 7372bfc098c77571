//! Secrets, and the tokens that are minted with them.

use hookwire_event::{Tenant, Topic};
use hookwire_grant::{Claims, GrantConfig, HmacSecret, InvalidSecret, TopicPattern, mint};

use crate::token::{Fixture, NOW, OTHER_SECRET, SECRET, at, bad};

fn claims() -> Claims {
    Claims {
        user: "alice".into(),
        tenant: None,
        subscribe: vec![TopicPattern::parse("a/{sub}").unwrap()],
        publish: vec![],
        admin: false,
        issued_at: at(NOW),
        expires_at: at(NOW + 60),
        token_id: None,
        audience: None,
        issuer: None,
    }
}

#[tokio::test]
async fn a_minted_token_gives_the_grant_that_was_asked_for() {
    let secret = HmacSecret::new(SECRET).unwrap();
    let grant = Fixture::everything().verify(&mint(&secret, &claims())).await.unwrap();
    assert_eq!(grant.user(), "alice");
    assert_eq!(grant.issued_at(), Some(at(NOW)));
    assert_eq!(grant.expires_at(), at(NOW + 90));
    assert!(grant.token_id().is_none() && grant.tenant().is_none() && !grant.is_admin());
    assert!(grant.may_subscribe(&Topic::parse("a/alice").unwrap()));
    assert!(!grant.may_publish(&Topic::parse("a/alice").unwrap()));

    let config = GrantConfig {
        audience: Some("relay".into()),
        issuer: Some("terminal".into()),
        ..GrantConfig::default()
    };
    let fixture = Fixture::everything_but(config);
    let full = Claims {
        tenant: Some(Tenant::parse("acme").unwrap()),
        publish: vec![TopicPattern::parse("**").unwrap()],
        admin: true,
        token_id: Some("token-1".into()),
        audience: Some("relay".into()),
        issuer: Some("terminal".into()),
        ..claims()
    };
    let grant = fixture.verify(&mint(&secret, &full)).await.unwrap();
    assert!(grant.is_admin());
    assert_eq!(grant.token_id(), Some("token-1"));
    assert_eq!(grant.tenant().map(Tenant::as_str), Some("acme"));
    assert!(grant.may_publish(&grant.topic(Topic::parse("b").unwrap())));
    bad(fixture.verify(&mint(&secret, &claims())).await);
}

#[tokio::test]
async fn two_secrets_serve_while_one_takes_the_others_place() {
    let [old, new] = [SECRET, OTHER_SECRET].map(|secret| HmacSecret::new(secret).unwrap());
    let of = |secrets: &[&str]| Fixture::new(secrets, &[], &[], GrantConfig::default());
    let (by_old, by_new) = (mint(&old, &claims()), mint(&new, &claims()));

    let both = of(&[OTHER_SECRET, SECRET]);
    both.verify(&by_old).await.unwrap();
    both.verify(&by_new).await.unwrap();

    let after = of(&[OTHER_SECRET]);
    after.verify(&by_new).await.unwrap();
    assert_eq!(bad(after.verify(&by_old).await), "the token's signature is not valid");
}

#[test]
fn a_secret_that_could_be_guessed_or_that_everybody_knows_is_refused() {
    for size_bytes in [0, 1, 31] {
        let outcome = HmacSecret::new("x".repeat(size_bytes)).unwrap_err();
        assert_eq!(outcome, InvalidSecret::TooShort { size_bytes });
        assert!(outcome.to_string().contains("needs at least 32"), "{outcome}");
    }
    HmacSecret::new("x".repeat(32)).unwrap();
    HmacSecret::new(vec![0xff; 32]).unwrap();
    for key in [
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n",
        "\n-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA\n",
        "-----BEGIN CERTIFICATE-----\nMIIC\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPoeHk",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC",
    ] {
        assert_eq!(HmacSecret::new(key).unwrap_err(), InvalidSecret::PublicKey, "{key}");
    }
}
