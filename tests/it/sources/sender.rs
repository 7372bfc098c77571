use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use hookwire_tests::{Relay, RelayOptions};
use reqwest::Response;
use serde_json::{Value, json};

use crate::clients::Program;

/// A sender, and what becomes of the one push that it makes in a test.
pub(super) struct Sender {
    /// `sign.mjs` or `sign.py`.
    pub(super) program: &'static str,
    /// Its name there.
    pub(super) scheme: &'static str,
    pub(super) kind: &'static str,
    /// More of its table in `hookwire.toml`.
    pub(super) settings: &'static str,
    /// What it signs with: one after the other while they are exchanged, and one that is not configured.
    pub(super) secrets: [&'static str; 2],
    pub(super) wrong_secret: &'static str,
    /// What verifies that, when it is not the same.
    pub(super) public_keys: Option<[&'static str; 2]>,
    pub(super) body: &'static str,
    /// Headers without which nothing is proven.
    pub(super) proof: &'static [&'static str],
    /// Whether the time is signed too.
    pub(super) has_time: bool,
    pub(super) topic: &'static str,
    pub(super) event_type: &'static str,
    pub(super) id: &'static str,
}

/// What a sender makes of a body.
pub(super) type Headers = BTreeMap<String, String>;

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Has `program` sign.
pub(super) async fn sign(
    program: &mut Program,
    scheme: &str,
    secret: &str,
    body: &str,
    id: &str,
    at: u64,
) -> Headers {
    let command = json!({ "scheme": scheme, "secret": secret, "body": body, "id": id, "at": at });
    let answer = program.ask(&command).await;
    serde_json::from_value(answer["headers"].clone()).unwrap_or_else(|_| panic!("{answer}"))
}

/// Pushes to the source `x`.
pub(super) async fn push(relay: &Relay, headers: &Headers, body: impl Into<Vec<u8>>) -> Response {
    let request = relay.post("/webhooks/x").body(body.into());
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap()
}

/// Nothing of what was refused is kept anywhere.
pub(super) async fn keeps_nothing(relay: &Relay, topic: &str) {
    let get = async |path: String| relay.get(&path).send().await.unwrap().json::<Value>().await;
    let history = get(format!("/topics/{topic}/events")).await.unwrap();
    assert_eq!(history["events"], json!([]));
    let quarantine = get("/admin/quarantine".into()).await.unwrap();
    assert_eq!(quarantine["notifications"], json!([]));
}

impl Sender {
    /// A relay with this sender as the source `x`.
    pub(super) async fn relay(&self) -> Relay {
        let [first, second] = self.public_keys.unwrap_or(self.secrets);
        let file = format!(
            "[[sources]]\nname = \"x\"\nkind = \"{}\"\nsecret = [\"{first}\", \"{second}\"]\n{}",
            self.kind, self.settings
        );
        RelayOptions::default().file(&file).start().await
    }

    /// Pushes rightly and in every wrong way.
    pub(super) async fn is_let_in_only_with_its_own_signature(&self) {
        let relay = self.relay().await;
        let mut program = Program::start(self.program, &[]);
        let mut sign = async |secret, at| {
            sign(&mut program, self.scheme, secret, self.body, self.id, at).await
        };
        let [first, second] = self.secrets;
        let right = sign(first, now()).await;

        let mut wrong = vec![
            ("another secret", sign(self.wrong_secret, now()).await, self.body.to_owned()),
            ("another body", right.clone(), format!("{} ", self.body)),
            ("no body", right.clone(), String::new()),
        ];
        for header in self.proof {
            let mut without = right.clone();
            without.remove(*header).unwrap_or_else(|| panic!("{right:?} has {header}"));
            wrong.push((header, without, self.body.to_owned()));
        }
        if self.has_time {
            wrong.push(("stale", sign(first, now() - 330).await, self.body.to_owned()));
            wrong.push(("future", sign(first, now() + 330).await, self.body.to_owned()));
        }
        for (what, headers, body) in wrong {
            let answer = push(&relay, &headers, body).await;
            assert_eq!(answer.status(), 401, "{what}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["type"], "urn:hookwire:problem:unauthorized", "{what}");
            let detail = problem["detail"].as_str().unwrap();
            assert_eq!(detail.contains("clock"), ["stale", "future"].contains(&what), "{detail}");
        }
        keeps_nothing(&relay, self.topic).await;

        let mut stream = relay.follow(&format!("topic={}", self.topic), None).await;
        stream.primed().await;
        let answer = push(&relay, &right, self.body).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer, json!({ "outcome": "appended", "id": self.id }));
        let event = stream.event().await;
        assert_eq!((event.name.as_str(), &event.data["id"]), (self.event_type, &json!(self.id)));
        assert_eq!(event.data["source"], "/webhooks/x");
        assert_eq!(*event.payload(), serde_json::from_str::<Value>(self.body).unwrap());

        for (what, headers) in [("the same", right), ("another secret", sign(second, now()).await)]
        {
            let answer = push(&relay, &headers, self.body).await;
            assert_eq!(answer.status(), 200, "{what}");
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["outcome"], "duplicate", "{what}");
        }
        relay.publish(self.topic, "marker", &json!("marker")).await;
        assert_eq!(*stream.event().await.payload(), "marker", "no duplicate was shown");
        let log = relay.log();
        assert!(!log.contains(first) && !log.contains(second), "a secret is in the log");
    }
}
