use std::collections::HashMap;

use fastrand::Rng;
use hookwire_tests::{Relay, Sse, Stream};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::party::{Party, TENANTS};

const TOPICS: [&str; 3] = ["t0", "t1", "gmail/alice"];

/// What each party must find: per party and topic the events in order.
type Model = HashMap<(usize, &'static str), Vec<Appended>>;

#[derive(Debug, Clone)]
pub(super) struct Appended {
    key: String,
    data: Value,
    cursor: String,
}

/// A run of random steps by all parties, each of which checks what it sees.
pub(super) struct Run<'r> {
    relay: &'r Relay,
    rng: Rng,
    parties: [Party; 3],
    model: Model,
    /// Cursors that somebody saw, whoever: everybody tries them.
    seen: Vec<String>,
    /// The place in a topic that each party's client left.
    left: HashMap<(usize, &'static str), String>,
    n: usize,
}

impl<'r> Run<'r> {
    pub(super) fn new(relay: &'r Relay, rng: Rng) -> Self {
        Self::with_model(relay, rng, Model::new())
    }

    pub(super) fn with_model(relay: &'r Relay, rng: Rng, model: Model) -> Self {
        let seen = vec!["1-1".to_owned(), "garbage".to_owned()];
        let parties = TENANTS.map(Party::new);
        Self { relay, rng, parties, model, seen, left: HashMap::new(), n: 0 }
    }

    pub(super) fn into_model(self) -> Model {
        self.model
    }

    pub(super) async fn step(&mut self) {
        match self.rng.u8(0..17) {
            0..7 => self.publish().await,
            7..9 => self.history().await,
            9..11 => self.follow().await,
            11..13 => self.leave_and_return().await,
            13 => self.follow_by_ticket().await,
            14 => self.follow_several().await,
            15 => self.return_astray().await,
            _ => self.revoke().await,
        }
    }

    fn draw(&mut self) -> (usize, &'static str) {
        (self.rng.usize(..self.parties.len()), TOPICS[self.rng.usize(..TOPICS.len())])
    }

    /// Publishes with a key that others use as well, and this party perhaps before.
    pub(super) async fn publish(&mut self) {
        let (who, topic) = self.draw();
        let key = format!("key-{}", self.rng.u8(..12));
        self.publish_as(who, topic, key).await;
    }

    async fn publish_as(&mut self, who: usize, topic: &'static str, key: String) {
        let party = &self.parties[who];
        self.n += 1;
        let data = json!({ "of": party.name(), "topic": topic, "n": self.n });
        let answer = Answer::to(party.publish(self.relay, topic, &key, &data)).await.json();
        let cursor = answer["cursor"].as_str().expect("it is taken").to_owned();
        let events = self.model.entry((who, topic)).or_default();
        match events.iter().find(|event| event.key == key) {
            Some(first) => assert_eq!(
                (&answer["outcome"], &cursor),
                (&json!("duplicate"), &first.cursor),
                "it was this tenant's own before"
            ),
            None => {
                assert_eq!(answer["outcome"], "appended", "a key of another tenant is another key");
                self.seen.push(cursor.clone());
                events.push(Appended { key, data, cursor });
            }
        }
    }

    /// Reads a page behind any cursor, also another tenant's.
    async fn history(&mut self) {
        let (who, topic) = self.draw();
        let after = self.rng.choice(&self.seen).cloned().unwrap_or_default();
        let answer = Answer::to(self.parties[who].history(self.relay, topic, &after)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for event in answer.json()["events"].as_array().unwrap() {
            self.assert_own(who, &[topic], &event["event"]);
        }
        self.assert_no_tenant(&answer.body.replace(self.parties[who].name(), ""));
    }

    /// Resumes behind any cursor, also another tenant's, or reads from the beginning.
    async fn follow(&mut self) {
        let (who, topic) = self.draw();
        let cursor = self.rng.choice(&self.seen).cloned().unwrap_or_default();
        let request = self.parties[who].follow(self.relay, &format!("topic={topic}"));
        let mut stream = self.relay.stream(request.header("last-event-id", &cursor)).await;
        self.hear_of_gap(who, topic, &cursor, &mut stream).await;
        self.read_to_end(who, &[topic], stream).await;
        let request = self.parties[who].follow(self.relay, &format!("topic={topic}&earliest"));
        let stream = self.relay.stream(request).await;
        let read = self.read_to_end(who, &[topic], stream).await;
        assert_eq!(read, self.cursors(who, topic, None));
    }

    async fn follow_several(&mut self) {
        let (who, _) = self.draw();
        let cursor = self.rng.choice(&self.seen).cloned().unwrap_or_default();
        let query = format!("topic={}", TOPICS.join("&topic="));
        let request = self.parties[who].follow(self.relay, &query);
        let mut stream = self.relay.stream(request.header("last-event-id", cursor)).await;
        let vector = stream.primed().await;
        self.seen.push(vector);
        self.read_to_end(who, &TOPICS, stream).await;
    }

    /// Leaves a cursor under a name that all parties' clients have, and goes on there.
    async fn leave_and_return(&mut self) {
        let (who, topic) = self.draw();
        let own = self.cursors(who, topic, None);
        if let Some(cursor) = self.rng.choice(&own).filter(|_| self.rng.bool()) {
            let client = format!("client-{topic}");
            let left = self.parties[who].ack(self.relay, &client, cursor);
            assert_eq!(Answer::to(left).await.status, 204);
            self.left.insert((who, topic), cursor.clone());
        }
        let query = format!("topic={topic}&client=client-{topic}");
        let mut stream = self.relay.stream(self.parties[who].follow(self.relay, &query)).await;
        let primed = stream.primed().await;
        let left = self.left.get(&(who, topic)).cloned();
        let expected = match &left {
            Some(left) => self.cursors(who, topic, Some(left)),
            None => Vec::new(),
        };
        let read = self.read_to_end(who, &[topic], stream).await;
        // The last one is what `read_to_end` published.
        assert_eq!(&read[..read.len() - 1], expected, "left {left:?}, primed {primed}");
    }

    /// Leaves a cursor that may be another tenant's, and goes on there.
    async fn return_astray(&mut self) {
        let (who, topic) = self.draw();
        let cursor = self.rng.choice(&self.seen).cloned().unwrap_or_default();
        let left = self.parties[who].ack(self.relay, "astray", &cursor);
        assert_eq!(Answer::to(left).await.status, 204);
        let query = format!("topic={topic}&client=astray");
        let mut stream = self.relay.stream(self.parties[who].follow(self.relay, &query)).await;
        self.hear_of_gap(who, topic, &cursor, &mut stream).await;
        self.read_to_end(who, &[topic], stream).await;
    }

    async fn follow_by_ticket(&mut self) {
        let (who, topic) = self.draw();
        let answer = Answer::to(self.parties[who].ticket(self.relay, &[topic])).await;
        let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
        let path = format!("/events?topic={topic}&earliest&ticket={ticket}");
        let stream = self.relay.stream(self.relay.get(&path)).await;
        let cookie = stream.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let history = self.relay.get(&format!("/topics/{topic}/events?limit=1000"));
        let by_cookie = Answer::to(history.header("cookie", cookie)).await.json();
        let by_cookie: Vec<&str> = cursors(&by_cookie);
        assert_eq!(by_cookie, self.cursors(who, topic, None));
        let read = self.read_to_end(who, &[topic], stream).await;
        assert_eq!(read, self.cursors(who, topic, None));
    }

    /// Keeps a user out of one tenant, whose name and token id is in all of them.
    async fn revoke(&mut self) {
        let (who, topic) = self.draw();
        self.n += 1;
        let (user, id) = (format!("mallory-{}", self.n), format!("id-{}", self.n));
        let whom = match self.rng.bool() {
            true => json!({ "user": user }),
            false => json!({ "token_id": id }),
        };
        // Issued before: a revoked user may come again with a later one.
        let tokens = self.parties.each_ref().map(|party| party.other(&user, &id));
        let revoked = Answer::to(self.parties[who].revoke(self.relay, &whom)).await;
        assert_eq!(revoked.status, 200, "{}", revoked.body);
        for (at, token) in tokens.into_iter().enumerate() {
            let history = self.relay.get(&format!("/topics/{topic}/events"));
            let answer = Answer::to(history.bearer_auth(token)).await;
            assert_eq!(answer.status, if at == who { 401 } else { 200 }, "{whom}");
        }
    }

    /// A cursor ahead of this party's log, such as one of a busier tenant, is a gap. Until that is told nothing is published:
    /// an event that took the place which the cursor claims would be taken for seen.
    async fn hear_of_gap(
        &self,
        who: usize,
        topic: &'static str,
        cursor: &str,
        stream: &mut Stream,
    ) {
        let k = cursor.split_once('-').and_then(|(_, k)| k.parse::<usize>().ok());
        if k.is_some_and(|k| k > self.cursors(who, topic, None).len()) {
            let gap = stream.event().await;
            assert_eq!((gap.name.as_str(), &gap.data["topic"]), ("hookwire.gap", &json!(topic)));
        }
    }

    /// Publishes one more event and reads until it comes; answers with the cursors of the events that came.
    async fn read_to_end(
        &mut self,
        who: usize,
        topics: &[&'static str],
        mut stream: Stream,
    ) -> Vec<String> {
        stream.primed().await;
        let last = topics[self.rng.usize(..topics.len())];
        let key = format!("last-{}", self.n);
        self.publish_as(who, last, key).await;
        let (mut read, n) = (Vec::new(), self.n);
        loop {
            let Sse { id, name, data } = stream.event().await;
            if name.starts_with("hookwire.") {
                assert_eq!(name, "hookwire.gap");
                assert!(topics.contains(&data["topic"].as_str().unwrap()), "{data}");
                continue;
            }
            self.assert_own(who, topics, &data);
            read.push(id);
            if data["data"]["n"] == n {
                self.assert_no_tenant(
                    &String::from_utf8_lossy(&stream.raw).replace(self.parties[who].name(), ""),
                );
                return read;
            }
        }
    }

    pub(super) async fn compare_everything(&mut self) {
        for who in 0..self.parties.len() {
            for topic in TOPICS {
                let page =
                    Answer::to(self.parties[who].history(self.relay, topic, "")).await.json();
                assert_eq!(cursors(&page), self.cursors(who, topic, None));
                let found = page["events"].as_array().unwrap().iter();
                let found: Vec<&Value> = found.map(|event| &event["event"]["data"]).collect();
                let expected = self.model.get(&(who, topic)).into_iter().flatten();
                assert_eq!(found, expected.map(|event| &event.data).collect::<Vec<_>>());
            }
        }
    }

    /// The cursors of a party's events, those behind `after`.
    fn cursors(&self, who: usize, topic: &'static str, after: Option<&str>) -> Vec<String> {
        let all = self.model.get(&(who, topic)).into_iter().flatten();
        let all = all.map(|event| event.cursor.clone());
        match after {
            None => all.collect(),
            Some(after) => all.skip_while(|cursor| cursor != after).skip(1).collect(),
        }
    }

    fn assert_own(&self, who: usize, topics: &[&str], event: &Value) {
        assert_eq!(event["data"]["of"], self.parties[who].name(), "{event}");
        assert_eq!(event["subject"], event["data"]["topic"], "subscribers see the bare name");
        assert!(topics.contains(&event["subject"].as_str().unwrap()), "{event}");
    }

    /// Nothing but a party's own data names a tenant, not even its own.
    fn assert_no_tenant(&self, text: &str) {
        assert!(!text.contains('*'), "{text}");
        assert!(!text.contains("acme"), "{text}");
    }
}

fn cursors(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| event["cursor"].as_str().unwrap()).collect()
}
