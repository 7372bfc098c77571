//! Whatever is brought as a proof, wherever it is brought to, whatever is asked for: the answer follows from a rule.

mod call;
mod proof;

use futures_util::StreamExt;
use hookwire_tests::{Relay, RelayOptions, now_s, oidc_fixture, sign_rs256};
use serde_json::{Value, json};

use self::call::{CALLS, Call, TARGETS, Target, expected, request};
use self::proof::{Proof, proofs};

use super::answer::Answer;
use super::forged::{self, forged};

const USER: &str = "alice7f3a";
const TENANT: &str = "penumbra";
const OTHER_TENANT: &str = "antumbra";
const OWN: &str = "ledger5c/alice7f3a";
const ANOTHERS: &str = "ledger5c/bob91d2";
const LISTED: &str = "https://app.example";
/// None of these may come back in a refusal.
const PRIVATE: [&str; 6] =
    [USER, "bob91d2", "ledger5c", TENANT, OTHER_TENANT, "https://login.example"];

async fn relay() -> Relay {
    let options =
        RelayOptions::default().with_keys().set("JWKS", oidc_fixture("jwks-a.json").display());
    let options =
        options.set("JWT_AUDIENCE", "hookwire").set("JWT_ISSUER", "https://login.example");
    let options = options.set("CLIENT_LIMIT", 10_000_000).set("USER_LIMIT", 10_000_000);
    options.set("STREAMS_PER_USER", 0).set("CORS_ORIGINS", LISTED).start().await
}

/// What every refusal keeps to.
fn assert_told(
    answer: &Answer,
    (status, kind, help): (u16, &str, &str),
    token: Option<&str>,
    cell: &str,
) {
    assert_eq!(answer.told(), (status, kind.to_owned()), "{cell}: {}", answer.body);
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{cell}");
    if status < 400 {
        return;
    }
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{cell}");
    assert_eq!(answer.json()["status"], status, "{cell}");
    let detail = answer.detail();
    assert!(detail.len() > 20 && detail.contains(help), "{cell}: {detail}");
    let whole = format!("{}{:?}", answer.body, answer.headers);
    let parts = token.into_iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 8);
    for private in PRIVATE.into_iter().chain(parts) {
        assert!(!whole.contains(private), "{cell}: {private} is in {whole}");
    }
}

/// Asks all at once, some at a time.
async fn all<T>(cells: Vec<T>, check: impl AsyncFn(T)) {
    let check = &check;
    futures_util::stream::iter(cells).for_each_concurrent(32, |cell| check(cell)).await;
}

#[tokio::test]
async fn every_proof_is_answered_everywhere_by_one_rule() {
    let relay = relay().await;
    let mut cells = Vec::new();
    for proof in proofs() {
        let token = proof.token();
        for call in CALLS {
            cells.extend(TARGETS.map(|target| (proof, token.clone(), call, target)));
        }
    }
    assert_eq!(cells.len(), (11 + forged::SPELLINGS.len()) * 7 * 8);
    all(cells, async |(proof, token, call, target)| {
        let bare = request(&relay, call, target);
        let request = match &token {
            Some(token) => bare.bearer_auth(token),
            None => bare,
        };
        let (answer, cell) = (Answer::to(request).await, format!("{proof:?} {call:?} {target:?}"));
        assert_told(&answer, expected(proof, call, target), token.as_deref(), &cell);
    })
    .await;
}

#[tokio::test]
async fn a_cookie_counts_as_its_token_where_the_page_may_use_it() {
    let relay = relay().await;
    let own = relay.url("");
    // Whether the origin is allowed; a request that names none may read and not change.
    let origins: [(Option<&str>, Option<bool>); 6] = [
        (None, None),
        (Some(&own), Some(true)),
        (Some(LISTED), Some(true)),
        (Some("https://app.example.evil"), Some(false)),
        (Some("http://app.example"), Some(false)),
        (Some("null"), Some(false)),
    ];
    let mut cells = Vec::new();
    for proof in proofs().into_iter().filter(|proof| *proof != Proof::Absent) {
        let token = proof.token().unwrap();
        for call in CALLS {
            for target in [Target::Own, Target::Anothers] {
                cells.extend(origins.map(|origin| (proof, token.clone(), call, target, origin)));
            }
        }
    }
    all(cells, async |(proof, token, call, target, (origin, allowed))| {
        let changes = matches!(call, Call::Publish | Call::Ack | Call::Ticket | Call::Revoke);
        let expected = match allowed.unwrap_or(!changes) {
            true => expected(proof, call, target),
            false => (403, "foreign-origin", "HOOKWIRE_CORS_ORIGINS"),
        };
        let bare = request(&relay, call, target);
        let bare = bare.header("cookie", format!("theme=dark; hookwire_token={token}"));
        let request = match origin {
            Some(origin) => bare.header("origin", origin),
            None => bare,
        };
        let cell = format!("{proof:?} {call:?} {target:?} from {origin:?}");
        let answer = Answer::to(request).await;
        assert_told(&answer, expected, Some(&token), &cell);
        let readable = answer.header("access-control-allow-origin");
        assert_eq!(readable, origin.filter(|origin| *origin == LISTED), "{cell}");
    })
    .await;
}

#[tokio::test]
async fn of_two_proofs_the_header_counts_and_never_the_better_one() {
    let relay = relay().await;
    let right = Proof::Right.token().unwrap();
    let cookie = format!("hookwire_token={right}");
    for proof in proofs() {
        let Some((kind, _)) = proof.refused() else { continue };
        let bare = request(&relay, Call::History, Target::Own).header("cookie", &cookie);
        let (request, told) = match proof.token() {
            Some(token) => (bare.bearer_auth(token), (401, kind)),
            None => (bare, (200, "")),
        };
        assert_eq!(Answer::to(request).await.told(), (told.0, told.1.to_owned()), "{proof:?}");
    }
    // A scheme that is not Bearer is a proof that is not good, and not the absence of one.
    let basic = request(&relay, Call::History, Target::Own).header("cookie", cookie);
    assert_eq!(
        Answer::to(basic.basic_auth("a", Some("b"))).await.told(),
        (401, "bad-token".into())
    );
    // Nobody says which of two a proxy in front has looked at.
    let two = request(&relay, Call::History, Target::Own).bearer_auth(&right);
    let answer = Answer::to(two.bearer_auth(Proof::Expired.token().unwrap())).await;
    assert_eq!(answer.told(), (401, "bad-token".into()));
    // And in the query no token counts unless that is switched on.
    for name in ["token", "access_token", "jwt", "authorization"] {
        let request = request(&relay, Call::History, Target::Own).query(&[(name, &right)]);
        assert_eq!(Answer::to(request).await.told(), (401, "no-token".into()), "{name}");
    }
}

#[tokio::test]
async fn where_only_public_keys_are_configured_no_spelling_of_them_is_a_secret() {
    let options = RelayOptions::default().set("JWKS", oidc_fixture("jwks-a.json").display());
    let relay = options.set("CLIENT_LIMIT", 10_000_000).start().await;
    let claims: Value = json!({
        "sub": USER, "exp": now_s() + 60, "hookwire": { "subscribe": ["**"] },
    });
    let history = || relay.get(&format!("/topics/{OWN}/events"));
    for spelling in forged::SPELLINGS {
        let answer = Answer::to(history().bearer_auth(forged(spelling, &claims))).await;
        assert_told(&answer, (401, "bad-token", "HS256 needs a secret"), None, spelling);
    }
    let right = sign_rs256("a", None, &claims);
    assert_eq!(Answer::to(history().bearer_auth(right)).await.status, 200);
    let others = sign_rs256("b", Some("test-only-key-a"), &claims);
    assert_told(
        &Answer::to(history().bearer_auth(others)).await,
        (401, "bad-token", "signature"),
        None,
        "b",
    );
}
