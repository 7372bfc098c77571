use hookwire_tests::Relay;
use reqwest::RequestBuilder;

use super::super::answer::Answer;

/// The networks of the clients, as a trusted proxy tells them.
const CLIENTS: [&str; 2] = ["203.0.113.", "2001:db8:77:"];
/// What must not come out, and what came out.
pub(super) struct Search<'r> {
    pub(super) relay: &'r Relay,
    planted: Vec<String>,
    found: Vec<String>,
    sent: usize,
}

impl<'r> Search<'r> {
    pub(super) fn new(relay: &'r Relay, planted: Vec<String>) -> Self {
        let networks = CLIENTS.map(str::to_owned);
        Self { relay, planted: [planted, networks.into()].concat(), found: Vec::new(), sent: 0 }
    }

    /// Everything that was planted, and where some of it was found.
    pub(super) fn result(self) -> (Vec<String>, Vec<String>) {
        (self.planted, self.found)
    }

    /// Plants a token, of which no part may come out either.
    pub(super) fn plant(&mut self, token: &str) {
        let parts = token.split('.').skip(1).filter(|part| part.len() > 8);
        self.planted.extend(parts.map(str::to_owned));
    }

    pub(super) fn look(&mut self, place: &str, text: &str) {
        for planted in &self.planted {
            if text.contains(planted.as_str()) {
                let line = text.lines().find(|line| line.contains(planted.as_str()));
                self.found.push(format!("{place}: {planted} in {}", line.unwrap_or_default()));
            }
        }
    }

    /// Each request is another client's, since of one that is refused again and again only the first are logged.
    fn client(&mut self) -> String {
        self.sent += 1;
        let (network, host) = (CLIENTS[self.sent % CLIENTS.len()], self.sent % 250);
        if network.ends_with(':') {
            format!("{network}{host:x}::1")
        } else {
            format!("{network}{host}")
        }
    }

    /// Sends a request and looks through all of the answer.
    pub(super) async fn send(&mut self, place: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::to(request.header("x-forwarded-for", self.client())).await;
        self.look(place, &format!("{:?}\n{}", answer.headers, answer.body));
        answer
    }

    /// Sends a request that is answered with what is looked for, so that only its status is looked at.
    pub(super) async fn send_for(&mut self, place: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::to(request.header("x-forwarded-for", self.client())).await;
        assert!(answer.status < 300, "{place}: {} {}", answer.status, answer.body);
        answer
    }
}
