use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use hookwire_breaker::Breaker;
use tokio::sync::OnceCell;

use crate::client::{client, patient};
use crate::fault::Fault;
use crate::trouble::{Ask, Trouble};
use crate::{QueueUrl, SqsConfig};

/// What all calls about one queue have in common.
#[derive(Debug)]
pub(crate) struct Calls {
    config: SqsConfig,
    /// Made at the first call, since it costs a process that never needs it about 5 ms of its start.
    client: Arc<OnceCell<Client>>,
    pub(crate) breaker: Breaker,
    pub(crate) trouble: Trouble,
}

impl Calls {
    pub(crate) fn new(config: SqsConfig) -> Self {
        Self::with(config, Arc::default())
    }

    /// Those about the queue of that name beside this one, on the same client.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let queue_url = self.config.queue_url.sibling(name);
        Self::with(SqsConfig { queue_url, ..self.config.clone() }, Arc::clone(&self.client))
    }

    fn with(config: SqsConfig, client: Arc<OnceCell<Client>>) -> Self {
        let name = config.queue_url.name();
        let breaker = Breaker::new("SQS", "queue-unreachable", name, config.open_for);
        let trouble = Trouble::of(name);
        Self { config, client, breaker, trouble }
    }

    pub(crate) fn config(&self) -> &SqsConfig {
        &self.config
    }

    pub(crate) fn url(&self) -> &QueueUrl {
        &self.config.queue_url
    }

    pub(crate) async fn client(&self) -> &Client {
        self.client.get_or_init(|| client(&self.config)).await
    }

    /// For a call that nobody waits for, and that may take `wait` before it has to be answered.
    pub(crate) fn patient(&self, wait: Duration) -> Builder {
        patient(&self.config, wait)
    }

    /// Notes how a call went, and what its error means.
    pub(crate) fn noted<T, E>(&self, ask: Ask, answer: Result<T, SdkError<E>>) -> Result<T, Fault>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let answer = answer.map_err(Fault::of);
        self.trouble.note(ask, answer.as_ref().err());
        if ask != Ask::Send && answer.is_ok() {
            self.breaker.answers();
        }
        answer
    }

    /// Counts messages that something became of.
    pub(crate) fn count(&self, done: &'static str, messages: usize) {
        let labels = [("queue", self.url().name().to_owned()), ("do", done.to_owned())];
        metrics::counter!("hookwire_queue_messages_total", &labels).increment(messages as u64);
    }
}
