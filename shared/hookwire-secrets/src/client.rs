use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, Url};
use tokio::sync::OnceCell;

use crate::{SecretsConfig, Trouble};

/// A secret has at most 64 KiB, of which JSON can make six times as much.
const MAX_BYTES: usize = 512 * 1024;

/// Longest pause before the one retry, which begins at a random moment within it: many functions start at the same time.
const RETRY_AFTER: Duration = Duration::from_millis(300);

/// Sends requests, each twice at most.
pub(crate) struct Client {
    connect_within: Duration,
    answer_within: Duration,
    tls: OnceCell<reqwest::Client>,
    plain: OnceCell<reqwest::Client>,
}

/// What was answered, whatever the status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(config: &SecretsConfig) -> Self {
        Self {
            connect_within: config.connect_within,
            answer_within: config.answer_within,
            tls: OnceCell::new(),
            plain: OnceCell::new(),
        }
    }

    /// Sends what `request` makes, and once more when nothing came back that would come back again.
    pub(crate) async fn send(
        &self,
        url: &Url,
        is_passing: impl Fn(&Answer) -> bool,
        request: impl Fn(&reqwest::Client) -> Result<RequestBuilder, Trouble>,
    ) -> Result<Answer, Trouble> {
        let client = self.for_url(url).await?;
        let first = self.attempt(request(client)?).await;
        if first.as_ref().is_ok_and(|answer| !is_passing(answer)) {
            return first;
        }
        tokio::time::sleep(RETRY_AFTER.mul_f64(fastrand::f64())).await;
        // Made anew: a signature tells the time.
        self.attempt(request(client)?).await
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let answer = async {
            let response = request.send().await.map_err(|error| self.trouble(error))?;
            let status = response.status();
            Ok(Answer { status, body: self.body(response).await? })
        };
        let answer = tokio::time::timeout(self.answer_within, answer).await;
        answer.unwrap_or(Err(Trouble::Timeout(self.answer_within)))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.trouble(error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(Trouble::Unreadable);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn for_url(&self, url: &Url) -> Result<&reqwest::Client, Trouble> {
        // A proxy of the environment is for what leaves this network, and then it sees nothing.
        let is_plain = url.scheme() == "http";
        let client = if is_plain { &self.plain } else { &self.tls };
        let build = async || {
            // Only who was asked may answer.
            let client = reqwest::Client::builder()
                .redirect(Policy::none())
                // Signatures are over the header `Host`.
                .http1_only()
                .connect_timeout(self.connect_within);
            if is_plain { client.no_proxy().build() } else { client.build() }
        };
        client.get_or_try_init(build).await.map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: reqwest::Error) -> Trouble {
        if error.is_timeout() {
            return Trouble::Timeout(self.connect_within);
        }
        // The innermost one says what the system said.
        let error = error.without_url();
        let mut cause: &dyn Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Trouble::Unreachable(cause.to_string())
    }
}
