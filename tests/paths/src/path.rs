use std::vec::IntoIter;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::{Body, Bytes};
use clap::ValueEnum;
use hookwire_event::Event;
use hookwire_log::Log;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::relay::{Keys, Relay};
use crate::{requests, tokens};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Path {
    Append,
    Deliver,
    Take,
    Publish,
    Webhook,
    WebhookVerified,
    WebhookVerifiedNew,
    Open,
    OpenAuthorised,
    Resume,
}

/// Streams that take the same event from a ring.
const STREAMS: usize = 100;
/// Events that a client missed.
const MISSED: usize = 10;

impl Path {
    pub fn title(self) -> &'static str {
        match self {
            Self::Append => "append to the log in memory",
            Self::Deliver => "append, encode, and take by one stream",
            Self::Take => "take by one of 100 streams",
            Self::Publish => "publish through the router",
            Self::Webhook => "webhook through the router",
            Self::WebhookVerified => "webhook with the token of the one before",
            Self::WebhookVerifiedNew => "webhook with a new token",
            Self::Open => "open a stream",
            Self::OpenAuthorised => "open a stream with a token",
            Self::Resume => "resume a stream at a cursor, 10 missed",
        }
    }

    /// Few and many: what both have in common is not counted.
    pub fn iterations(self) -> [usize; 2] {
        match self {
            Self::Take => [20 * STREAMS, 60 * STREAMS],
            Self::Append | Self::Deliver => [1_000, 3_000],
            Self::WebhookVerified | Self::WebhookVerifiedNew => [200, 800],
            Self::Publish | Self::Webhook | Self::Open | Self::OpenAuthorised | Self::Resume => {
                [1_000, 4_000]
            }
        }
    }

    pub async fn run(self, iterations: usize) -> anyhow::Result<()> {
        let relay = Relay::new(match self {
            Self::OpenAuthorised => Keys::Users,
            Self::WebhookVerified | Self::WebhookVerifiedNew => Keys::Pushers,
            _ => Keys::None,
        })?;
        match self {
            Self::Append => append(&relay, &mut self.events()?, iterations).await,
            Self::Deliver => take(&relay, self.events()?, 1, iterations).await,
            Self::Take => take(&relay, self.events()?, STREAMS, iterations / STREAMS).await,
            Self::Resume => resume(&relay, iterations).await,
            Self::Publish
            | Self::Webhook
            | Self::WebhookVerified
            | Self::WebhookVerifiedNew
            | Self::Open
            | Self::OpenAuthorised => {
                for number in 0..iterations {
                    self.ask(&relay.router, number).await?;
                }
                Ok(())
            }
        }
    }

    /// Events for many iterations, also where there are few: making them is not counted.
    fn events(self) -> anyhow::Result<IntoIter<Event>> {
        let [_, many] = self.iterations();
        Ok((0..many).map(requests::event).collect::<anyhow::Result<Vec<_>>>()?.into_iter())
    }

    /// One request, and the first bytes of its answer.
    async fn ask(self, router: &Router, number: usize) -> anyhow::Result<()> {
        let request = match self {
            Self::Publish => requests::publish()?,
            Self::Webhook => requests::push(number, None)?,
            Self::WebhookVerified | Self::WebhookVerifiedNew => {
                requests::push(number, Some(&tokens::next()?))?
            }
            Self::OpenAuthorised => requests::follow(None, Some(&tokens::next()?))?,
            Self::Open | Self::Append | Self::Deliver | Self::Take | Self::Resume => {
                requests::follow(None, None)?
            }
        };
        let bytes = read(&mut answer(router, request).await?).await?;
        let text = std::str::from_utf8(&bytes)?;
        let expected = match self {
            Self::Open | Self::OpenAuthorised => "retry: ",
            _ => "appended",
        };
        ensure!(text.contains(expected), "{text} is not what was to be counted");
        Ok(())
    }
}

async fn append(
    relay: &Relay,
    events: &mut impl Iterator<Item = Event>,
    count: usize,
) -> anyhow::Result<()> {
    for event in events.take(count) {
        relay.log.append(event).await?;
    }
    Ok(())
}

/// Has so many streams take every event as it comes.
async fn take(
    relay: &Relay,
    mut events: impl Iterator<Item = Event>,
    streams: usize,
    count: usize,
) -> anyhow::Result<()> {
    let mut bodies = Vec::new();
    for _ in 0..streams {
        let mut body = answer(&relay.router, requests::follow(None, None)?).await?;
        read_until(&mut body, "\nid: ").await?;
        bodies.push((body, Bytes::new()));
    }
    for _ in 0..count {
        append(relay, &mut events, 1).await?;
        for (body, newest) in &mut bodies {
            *newest = read(body).await?;
        }
    }
    // An event is a frame, so the last one is only right when all before it came.
    let last = format!("bench-{:010}", count - 1);
    let is_last = |frame: &Bytes| String::from_utf8_lossy(frame).contains(&last);
    ensure!(bodies.iter().all(|(_, newest)| is_last(newest)), "an event was not taken");
    Ok(())
}

/// Resumes from the same cursor again and again, in the ring that another stream keeps.
async fn resume(relay: &Relay, times: usize) -> anyhow::Result<()> {
    let mut standing = answer(&relay.router, requests::follow(None, None)?).await?;
    let primed = read_until(&mut standing, "\nid: ").await?;
    let (_, id) = primed.split_once("\nid: ").context("a priming id")?;
    let cursor = id.lines().next().context("a priming id")?.to_owned();
    append(relay, &mut (0..MISSED).flat_map(requests::event), MISSED).await?;
    let last = format!("bench-{:010}", MISSED - 1);
    read_until(&mut standing, &last).await?;
    for _ in 0..times {
        let mut body = answer(&relay.router, requests::follow(Some(&cursor), None)?).await?;
        read_until(&mut body, &last).await?;
    }
    Ok(())
}

async fn answer(router: &Router, request: Request<Body>) -> anyhow::Result<Body> {
    let answer = router.clone().oneshot(request).await?;
    let status = answer.status();
    ensure!(status == 200, "answered {status}");
    Ok(answer.into_body())
}

/// The next bytes of an answer.
async fn read(body: &mut Body) -> anyhow::Result<Bytes> {
    let frame = body.frame().await.context("the answer ended")??;
    frame.into_data().ok().context("a frame without data")
}

async fn read_until(body: &mut Body, text: &str) -> anyhow::Result<String> {
    let mut all = String::new();
    while !all.contains(text) {
        all.push_str(std::str::from_utf8(&read(body).await?)?);
    }
    Ok(all)
}
