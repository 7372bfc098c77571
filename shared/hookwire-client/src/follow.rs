use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::{Client, StatusCode, Url};

use crate::{EventParser, ServerSentEvent};

/// Follows topics across cuts and restarts of the relay.
pub struct Follow {
    client: Client,
    url: Url,
    parser: EventParser,
    last_id: Option<String>,
    body: Option<BoxStream<'static, reqwest::Result<bytes::Bytes>>>,
    ready: VecDeque<ServerSentEvent>,
    retry: Duration,
}

/// What happened next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// An event, or a control event of the relay.
    Event(ServerSentEvent),
    /// The stream is open, from its start or resumed.
    Opened,
    /// The stream was cut; it is opened again after this pause.
    Cut(Duration),
}

/// Why following ends.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The relay said that nothing more is to come.
    #[error("the relay ended the stream for good")]
    Finished,
    /// The relay refused, and would refuse again.
    #[error("the relay refused with {status}: {detail}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said.
        detail: String,
    },
}

impl Follow {
    /// Pause before a reconnect when the relay named none.
    const RETRY: Duration = Duration::from_secs(1);

    /// Follows the stream at `url`, from after `last_id` if one is given.
    ///
    /// What proves who follows belongs into the default headers of `client`, which every reconnect sends as well.
    #[must_use]
    pub fn new(client: Client, url: Url, last_id: Option<String>) -> Self {
        let parser = EventParser::default();
        let ready = VecDeque::new();
        Self { client, url, parser, last_id, body: None, ready, retry: Self::RETRY }
    }

    /// The cursor after the last event.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Waits for what happens next.
    ///
    /// # Errors
    ///
    /// [`FollowError`] when trying again cannot help; anything else is tried again for ever.
    pub async fn next(&mut self) -> Result<Followed, FollowError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.last_id =
                    Some(event.id.clone()).filter(|id| !id.is_empty()).or(self.last_id.take());
                return Ok(Followed::Event(event));
            }
            let Some(body) = &mut self.body else {
                match self.open().await? {
                    true => return Ok(Followed::Opened),
                    false => {
                        tokio::time::sleep(self.retry).await;
                        continue;
                    }
                }
            };
            let Some(Ok(bytes)) = body.next().await else {
                self.body = None;
                tokio::time::sleep(self.retry).await;
                return Ok(Followed::Cut(self.retry));
            };
            self.ready.extend(self.parser.feed(&bytes));
            self.retry = self.parser.retry().unwrap_or(self.retry);
            if self.ready.is_empty() && !self.parser.last_id().is_empty() {
                // A priming id: resuming from it misses nothing that comes before the first event.
                self.last_id = Some(self.parser.last_id().to_owned());
            }
        }
    }

    async fn open(&mut self) -> Result<bool, FollowError> {
        self.parser = EventParser::default();
        let mut request = self.client.get(self.url.clone()).header("accept", "text/event-stream");
        if let Some(id) = &self.last_id {
            request = request.header("last-event-id", id);
        }
        let Ok(response) = request.send().await else { return Ok(false) };
        match response.status() {
            StatusCode::OK => {
                self.body = Some(response.bytes_stream().boxed());
                Ok(true)
            }
            StatusCode::NO_CONTENT => Err(FollowError::Finished),
            status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                let detail = response.text().await.unwrap_or_default();
                Err(FollowError::Refused { status, detail })
            }
            _ => Ok(false),
        }
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("last_id", &self.last_id).finish_non_exhaustive()
    }
}
