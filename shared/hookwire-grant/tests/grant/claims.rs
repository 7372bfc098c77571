//! Which claims make which grant.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_event::{Tenant, Topic};
use hookwire_grant::{GrantConfig, TokenError};
use serde_json::{Value, json};

use crate::token::{Fixture, Key, NOW, Token, at, bad, sign};

fn good() -> Token {
    Token::signed_by(Key::Secret)
}

fn topic(name: &str) -> Topic {
    Topic::parse(name).unwrap()
}

#[tokio::test]
async fn a_token_of_each_algorithm_gives_the_grant_it_claims() {
    let fixture = Fixture::everything();
    for key in Key::OF_EACH {
        let token = Token::signed_by(key).claim("jti", json!("token-1"));
        let grant = fixture.verify(&token.signed()).await.unwrap();
        assert_eq!(grant.user(), "alice@example.com");
        assert_eq!(grant.token_id(), Some("token-1"));
        assert_eq!(grant.issued_at(), Some(at(NOW - 100)));
        assert_eq!(grant.expires_at(), at(NOW + 3600 + 30));
        assert!(grant.tenant().is_none() && !grant.is_admin());
        assert!(grant.may_subscribe(&topic("gmail/alice@example.com")));
        assert!(grant.may_subscribe(&topic("orders/7")));
        assert!(!grant.may_subscribe(&topic("orders/7/lines")));
        assert!(!grant.may_subscribe(&topic("gmail/bob@example.com")));
        assert!(grant.may_publish(&topic("orders/7/lines")));
        assert!(!grant.may_publish(&topic("gmail/alice@example.com")));
    }
}

#[tokio::test]
async fn a_token_that_claims_nothing_is_granted_nothing() {
    let fixture = Fixture::everything();
    for token in [
        good().without_claim("hookwire"),
        good().claim("hookwire", json!({})),
        good().claim("hookwire", json!({ "subscribe": [], "publish": [], "later": 7 })),
        good().claim("subscribe", json!(["**"])).claim("hookwire", json!({ "admin": false })),
        good().claim("scope", json!("admin")).without_claim("hookwire"),
    ] {
        let grant = fixture.verify(&token.signed()).await.unwrap();
        assert!(!grant.is_admin());
        assert!(!grant.may_subscribe(&topic("a")) && !grant.may_publish(&topic("a")));
    }
}

#[tokio::test]
async fn an_administrator_has_no_topic_for_that() {
    let token = good().claim("hookwire", json!({ "admin": true }));
    let grant = Fixture::everything().verify(&token.signed()).await.unwrap();
    assert!(grant.is_admin());
    assert!(!grant.may_subscribe(&topic("a")) && !grant.may_publish(&topic("a")));
}

#[tokio::test]
async fn a_claim_that_breaks_its_rule_is_refused_with_a_reason() {
    let fixture = Fixture::everything();
    let (exp, far) = ("the token's exp is not a number", "the token's exp is further");
    let (sub, jti) = ("the token's sub is not a user", "the token's jti is not");
    let tenant = "the token's tenant is not";
    let (object, admin) = ("the token's hookwire is not an object", "the token's hookwire.admin");
    let lists = [
        "the token's hookwire.subscribe is not an array",
        "the token's hookwire.publish is not an array",
    ];
    let mut table = vec![
        (good().without_claim("exp"), exp),
        (good().claim("exp", json!(null)), exp),
        (good().claim("exp", json!((NOW + 3600).to_string())), exp),
        (good().claim("exp", json!([NOW + 3600])), exp),
        (good().claim("exp", json!(true)), exp),
        (good().claim("exp", json!(NOW + 30 * 86_400 + 31)), far),
        (good().claim("exp", json!((NOW + 3600) * 1000)), far),
        (good().claim("exp", json!(u64::MAX)), far),
        (good().claim("exp", json!(f64::MAX)), far),
        (
            good().claim("iat", json!(NOW - 30 * 86_400)).claim("exp", json!(NOW + 120)),
            "the token lives for longer",
        ),
        (good().claim("nbf", json!("0")), "the token's nbf is not a number"),
        (good().claim("nbf", json!(null)), "the token's nbf is not a number"),
        (good().claim("iat", json!("0")), "the token's iat is not a number"),
        (good().claim("iat", json!(null)), "the token's iat is not a number"),
        (good().without_claim("sub"), sub),
        (good().claim("sub", json!(null)), sub),
        (good().claim("sub", json!(7)), sub),
        (good().claim("sub", json!(["alice"])), sub),
        (good().claim("sub", json!("")), sub),
        (good().claim("sub", json!("a".repeat(257))), sub),
        (good().claim("sub", json!("a\nb")), sub),
        (good().claim("sub", json!("a\0")), sub),
        (good().claim("sub", json!("\u{85}")), sub),
        (good().claim("jti", json!(7)), jti),
        (good().claim("jti", json!(null)), jti),
        (good().claim("jti", json!("")), jti),
        (good().claim("jti", json!("a\rb")), jti),
        (good().claim("tenant", json!(null)), tenant),
        (good().claim("tenant", json!("")), tenant),
        (good().claim("tenant", json!("a*b")), tenant),
        (good().claim("tenant", json!("a/b")), tenant),
        (good().claim("tenant", json!(["a"])), tenant),
        (good().claim("tenant", json!("a".repeat(65))), tenant),
        (good().claim("hookwire", json!(null)), object),
        (good().claim("hookwire", json!("**")), object),
        (good().claim("hookwire", json!([["**"], ["**"], true])), object),
        (good().claim("hookwire", json!({ "admin": "true" })), admin),
        (good().claim("hookwire", json!({ "admin": 1 })), admin),
        (good().claim("hookwire", json!({ "admin": null })), admin),
    ];
    for (list, reason) in ["subscribe", "publish"].into_iter().zip(lists) {
        for value in [
            json!("**"),
            json!(null),
            json!({ "0": "**" }),
            json!([7]),
            json!([null]),
            json!([["**"]]),
            json!(vec!["a"; 101]),
        ] {
            table.push((good().claim("hookwire", json!({ list: value })), reason));
        }
        for (pattern, reason) in [
            ("", "a topic pattern has at least one character"),
            ("a//b", "a topic pattern has no empty segment"),
            ("**/a", "in a topic pattern `*` is a whole segment"),
            ("{user}", "a topic pattern has no braces"),
            ("a b", "a topic pattern has no white space"),
            (&"a".repeat(257), "a topic pattern has at most 256 bytes"),
        ] {
            table.push((good().claim("hookwire", json!({ list: ["a", pattern] })), reason));
        }
    }
    for (token, reason) in table {
        let outcome = fixture.verify(&token.signed()).await;
        assert!(outcome.is_err(), "{}", token.claims);
        let outcome = bad(outcome);
        assert!(outcome.starts_with(reason), "{outcome}: {}", token.claims);
    }
}

#[tokio::test]
async fn what_is_at_the_limits_is_taken() {
    let fixture = Fixture::everything();
    let patterns = vec!["a".repeat(20); 100];
    for token in [
        good().claim("iat", json!(NOW)).claim("exp", json!(NOW + 30 * 86_400 + 30)),
        good().claim("exp", json!(NOW as f64 - 29.5)),
        good().claim("iat", json!(NOW + 30)),
        good().claim("nbf", json!(NOW + 30)),
        good().claim("nbf", json!(-7)),
        good().claim("iat", json!(NOW as f64 - 0.5)),
        good().claim("sub", json!("a".repeat(256))),
        good().claim("sub", json!("ü ber/*{sub}%")),
        good().claim("tenant", json!("a".repeat(64))),
        good().claim("hookwire", json!({ "subscribe": patterns, "publish": patterns })),
        good().claim("hookwire", json!({ "subscribe": ["a".repeat(256)] })),
    ] {
        fixture.verify(&token.signed()).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[tokio::test]
async fn a_token_is_refused_from_the_moment_that_its_grant_names_and_not_before() {
    let fixture = Fixture::everything();
    for exp in [json!(NOW + 10), json!(NOW as f64 + 10.25)] {
        let token = good().claim("exp", exp).signed();
        let ends = fixture.verify(&token).await.unwrap().expires_at();
        assert!(ends >= at(NOW + 40) && ends < at(NOW + 41));
        fixture.verify_at(&token, ends - Duration::from_nanos(1)).await.unwrap();
        let outcome = fixture.verify_at(&token, ends).await;
        assert!(matches!(outcome, Err(TokenError::Expired)), "{outcome:?}");
    }
    for exp in [json!(NOW - 30), json!(0), json!(-1), json!(f64::MIN)] {
        let outcome = fixture.verify(&good().claim("exp", exp).signed()).await;
        assert!(matches!(outcome, Err(TokenError::Expired)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_token_from_the_future_is_not_valid_yet() {
    let fixture = Fixture::everything();
    for token in [
        good().claim("nbf", json!(NOW + 31)),
        good().claim("iat", json!(NOW + 31)),
        good().claim("iat", json!(NOW as f64 + 30.5)),
        good().claim("iat", json!(NOW * 1000)),
        good().claim("nbf", json!(f64::MAX)),
    ] {
        let outcome = fixture.verify(&token.signed()).await;
        assert!(matches!(outcome, Err(TokenError::NotYetValid)), "{}", token.claims);
    }
}

#[tokio::test]
async fn times_of_any_size_in_a_configuration_do_no_harm() {
    for time in [Duration::ZERO, Duration::MAX] {
        let config = GrantConfig { leeway: time, max_lifetime: time, ..GrantConfig::default() };
        let fixture = Fixture::everything_but(config);
        for exp in [json!(0), json!(NOW), json!(u64::MAX), json!(f64::MAX)] {
            assert!(fixture.verify(&good().claim("exp", exp).signed()).await.is_err());
        }
    }
}

#[tokio::test]
async fn audience_and_issuer_are_compared_exactly_when_configured() {
    let config = GrantConfig {
        audience: Some("relay".into()),
        issuer: Some("https://login.example".into()),
        ..GrantConfig::default()
    };
    let fixture = Fixture::everything_but(config);
    let token = || good().claim("iss", json!("https://login.example"));
    for aud in [json!("relay"), json!(["relay"]), json!(["other", "relay"])] {
        fixture.verify(&token().claim("aud", aud).signed()).await.unwrap();
    }
    fixture.verify(&token().signed()).await.unwrap_err();
    for aud in [
        json!("Relay"),
        json!("relay/"),
        json!(["other"]),
        json!([]),
        json!([["relay"]]),
        json!(["relay", 7]),
        json!({ "relay": true }),
        json!(7),
        json!(null),
    ] {
        let outcome = bad(fixture.verify(&token().claim("aud", aud.clone()).signed()).await);
        assert!(outcome.starts_with("the token's aud"), "{outcome}: {aud}");
    }
    let token = || good().claim("aud", json!("relay"));
    for iss in [
        json!("https://login.example/"),
        json!("HTTPS://login.example"),
        json!(["https://login.example"]),
        json!(null),
    ] {
        let outcome = bad(fixture.verify(&token().claim("iss", iss.clone()).signed()).await);
        assert!(outcome.starts_with("the token's iss"), "{outcome}: {iss}");
    }
    assert!(bad(fixture.verify(&token().signed()).await).starts_with("the token's iss"));
}

#[tokio::test]
async fn audience_and_issuer_are_ignored_when_not_configured() {
    let token = good().claim("aud", json!("another")).claim("iss", json!("https://login.example"));
    Fixture::everything().verify(&token.signed()).await.unwrap();
}

#[tokio::test]
async fn a_grant_covers_the_topics_of_its_own_tenant_alone() {
    let fixture = Fixture::everything();
    let everything = json!({ "subscribe": ["**"], "publish": ["**"] });
    let token = good().claim("hookwire", everything);
    let of_nobody = fixture.verify(&token.signed()).await.unwrap();
    let [of_a, of_b] = ["a", "b"].map(|tenant| token.clone().claim("tenant", json!(tenant)));
    let of_a = fixture.verify(&of_a.signed()).await.unwrap();
    let of_b = fixture.verify(&of_b.signed()).await.unwrap();
    assert_eq!(of_a.tenant(), Some(&Tenant::parse("a").unwrap()));

    let grants = [&of_nobody, &of_a, &of_b];
    for (of, grant) in grants.iter().enumerate() {
        for (by, other) in grants.iter().enumerate() {
            let topic = other.topic(topic("orders/1"));
            assert_eq!(topic.name(), "orders/1");
            assert_eq!(grant.may_subscribe(&topic), of == by);
            assert_eq!(grant.may_publish(&topic), of == by);
            assert_eq!(grant.user_hash() == other.user_hash(), of == by);
        }
    }
}

#[tokio::test]
async fn a_member_given_twice_is_refused() {
    let fixture = Fixture::everything();
    let claims = good().claims.to_string();
    let header = URL_SAFE_NO_PAD.encode(good().header.to_string());
    for (twice, reason) in [
        (claims.replacen('{', r#"{"sub":"mallory","#, 1), "the token is not a signed JWT"),
        (claims.replacen('{', r#"{"hookwire":{},"#, 1), "the token is not a signed JWT"),
        (
            claims.replacen(r#""publish""#, r#""publish":[],"publish""#, 1),
            "the token's hookwire is",
        ),
    ] {
        assert!(serde_json::from_str::<Value>(&twice).is_ok());
        let unsigned = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
        let token = sign(&unsigned, &Key::Secret.private(), Key::Secret.algorithm());
        let outcome = bad(fixture.verify(&token).await);
        assert!(outcome.starts_with(reason), "{outcome}");
    }
}

#[tokio::test]
async fn claims_that_are_no_object_are_refused() {
    let fixture = Fixture::everything();
    let header = URL_SAFE_NO_PAD.encode(good().header.to_string());
    for claims in
        ["", "null", "7", "[]", r#"["alice",null,null,1900000000]"#, "{", "{}x", "\u{feff}{}"]
    {
        let unsigned = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let token = sign(&unsigned, &Key::Secret.private(), Key::Secret.algorithm());
        assert!(bad(fixture.verify(&token).await).starts_with("the token is not a signed JWT"));
    }
}
