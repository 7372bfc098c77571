use std::net::SocketAddr;

use crate::event::{body, numbered_body};
use crate::publisher::post;
use crate::tally::Tally;
use crate::template::Template;

/// How a server is published to and followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The relay's, which the bare server speaks too.
    Relay,
    /// Of nginx with nchan, as [`crate::peers`] sets it up.
    Nchan,
    /// Durable Streams.
    Durable,
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// With what comes from now on.
    Live,
    /// After this cursor; a peer begins with the oldest event it has.
    After(&'a str),
}

impl Dialect {
    /// A request that follows a topic.
    pub fn follow(
        self,
        address: SocketAddr,
        topic: &str,
        start: Start<'_>,
        headers: &[String],
    ) -> Vec<u8> {
        let target = match (self, start) {
            (Self::Relay, _) => format!("/events?topic={topic}"),
            (Self::Nchan, Start::Live) => format!("/live/{topic}"),
            (Self::Nchan, Start::After(_)) => format!("/oldest/{topic}"),
            (Self::Durable, Start::Live) => format!("/{topic}?offset=now&live=sse"),
            (Self::Durable, Start::After(_)) => format!("/{topic}?offset=-1&live=sse"),
        };
        let mut headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        if let (Self::Relay, Start::After(cursor)) = (self, start) {
            headers.push_str(&format!("last-event-id: {cursor}\r\n"));
        }
        format!(
            "GET {target} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n{headers}\r\n"
        )
        .into_bytes()
    }

    /// What one publishing connection sends: events with so many bytes of data, numbered where the server's own ids do
    /// not tell whether all came.
    pub fn publish(
        self,
        address: SocketAddr,
        topic: &str,
        publisher: usize,
        bytes: usize,
    ) -> Template {
        let json = ["content-type: application/json"];
        Template::new(match self {
            Self::Relay => {
                post(address, &format!("/topics/{topic}/events?type=bench"), &json, &body(bytes))
            }
            Self::Nchan => {
                post(address, &format!("/publish/{topic}"), &json, &numbered_body(publisher, bytes))
            }
            Self::Durable => {
                post(address, &format!("/{topic}"), &json, &numbered_body(publisher, bytes))
            }
        })
    }

    pub fn tally(self) -> Tally {
        match self {
            Self::Relay => Tally::by_position(),
            Self::Nchan | Self::Durable => Tally::by_number(),
        }
    }
}
