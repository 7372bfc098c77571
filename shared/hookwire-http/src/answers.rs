use std::collections::HashSet;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use metrics::Counter;

use crate::{Around, AroundLayer, Problem};

/// A route, and whether a path belongs to it.
type Route = (&'static str, fn(&str) -> bool);

/// The routes that are told apart.
const ROUTES: [Route; 10] = [
    ("/webhooks/{source}", |path| path.starts_with("/webhooks/")),
    ("/events", |path| path == "/events"),
    ("/topics/{topic}/events", |path| path.starts_with("/topics/")),
    ("/ack", |path| path == "/ack"),
    ("/tickets", |path| path == "/tickets"),
    ("/healthz", |path| path == "/healthz"),
    ("/readyz", |path| path == "/readyz"),
    ("/metrics", |path| path == "/metrics"),
    ("/admin", |path| path.starts_with("/admin/")),
    ("/", |path| path == "/"),
];
/// Which of them is that of webhooks.
const WEBHOOKS: usize = 0;
const OTHER: &str = "other";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts the answers of a router by route and class of status; to be the outermost layer. `webhooks` are paths that sources
/// have of their own.
pub fn count_answers(router: Router, webhooks: impl IntoIterator<Item = String>) -> Router {
    let webhooks = webhooks.into_iter().filter(|path| route(path) != Some(WEBHOOKS)).collect();
    router.layer(AroundLayer::new(Answers { webhooks, counters: Default::default() }))
}

#[derive(Debug)]
struct Answers {
    /// Those that do not look like it.
    webhooks: HashSet<String>,
    /// By route, the last for all others, and by class; looked up once, when the first one is counted.
    counters: [[OnceLock<Counter>; CLASSES.len()]; ROUTES.len() + 1],
}

impl Around for Answers {
    /// Number of the route.
    type Noted = usize;

    fn asked(&self, request: &Request) -> Result<usize, Problem> {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        Ok(match path {
            Some(path) if self.webhooks.contains(path) => WEBHOOKS,
            Some(path) => route(path).unwrap_or(ROUTES.len()),
            None => ROUTES.len(),
        })
    }

    fn answered(&self, route: &usize, response: &Response) {
        self.count(*route, response.status().as_u16());
    }
}

fn route(path: &str) -> Option<usize> {
    ROUTES.iter().position(|(_, is)| is(path))
}

impl Answers {
    fn count(&self, route: usize, status: u16) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        let counter = self.counters.get(route).and_then(|classes| classes.get(class));
        let Some((counter, status)) = counter.zip(CLASSES.get(class)) else { return };
        let route = ROUTES.get(route).map_or(OTHER, |(name, _)| name);
        let counter = counter.get_or_init(|| {
            let labels = [("route", route), ("status", *status)];
            metrics::counter!("hookwire_http_responses_total", &labels)
        });
        counter.increment(1);
    }
}
