use std::collections::HashSet;

use hookwire_client::{Follow, Followed};
use reqwest::Client;
use serde_json::Value;

use crate::Api;

/// A browser with one `EventSource`, which comes back whenever its stream is cut.
pub(crate) struct Browser {
    topic: u64,
    follow: Follow,
}

/// What a browser was shown.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) topic: u64,
    /// The id of each event, in order.
    pub(crate) ids: Vec<String>,
    /// Where they stood, since nothing was known of the place before.
    cursors: HashSet<String>,
    pub(crate) gaps: usize,
}

/// The id of the event behind which nothing comes.
pub(crate) const END: &str = "end";

impl Browser {
    /// Opens the stream; from then on nothing may be missed.
    pub(crate) async fn open(api: &Api, topic: u64) -> Self {
        let client = Client::builder().no_proxy().default_headers(api.proof()).build().unwrap();
        let url = api.url(&format!("/events?topic=chaos/{topic}")).parse().unwrap();
        let mut follow = Follow::new(client, url, None);
        assert_eq!(follow.next().await.unwrap(), Followed::Opened);
        // Only its cursor makes it one that has been here.
        while follow.last_id().is_none() {
            tokio::select! {
                event = follow.next() => panic!("nothing was pushed yet: {event:?}"),
                () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {}
            }
        }
        Self { topic, follow }
    }

    pub(crate) async fn follow(mut self) -> Seen {
        let mut seen = Seen { topic: self.topic, ..Seen::default() };
        loop {
            let Followed::Event(event) = self.follow.next().await.unwrap() else { continue };
            match event.name.as_str() {
                "hookwire.gap" => {
                    seen.gaps += 1;
                    let gap: Value = serde_json::from_str(&event.data).unwrap();
                    if gap["reason"] == "reset" {
                        // Everything that the log keeps follows, also what was seen before.
                        seen.cursors.clear();
                    }
                }
                control if control.starts_with("hookwire.") => {}
                _ => {
                    let data: Value = serde_json::from_str(&event.data).unwrap();
                    let id = data["id"].as_str().unwrap().to_owned();
                    let ends = id.starts_with(END);
                    assert!(seen.cursors.insert(event.id), "a browser was sent one place twice");
                    seen.ids.push(id);
                    if ends {
                        return seen;
                    }
                }
            }
        }
    }
}
