use std::time::Duration;

use fastrand::Rng;
use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::{Faults, Queue};
use serde_json::Value;
use tokio::time::sleep;

use super::{DELAY, Disasters, VISIBILITY};
use crate::{Api, Deployment, DeploymentOptions, Freezing, Relay, RelayOptions};

/// What numbered events are pushed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Two relays.
    Relays,
    /// The functions, as Lambda runs them: streams share a process, everything else stands still between two invocations.
    Functions,
}

/// What runs.
#[derive(Debug)]
pub(crate) enum Site {
    Relays(Vec<Relay>),
    Functions(Box<Deployment>),
}

const SOURCE: &str =
    "[[sources]]\nname = \"pubsub\"\nkind = \"pubsub\"\ntopic = \"chaos/{attributes.topic}\"\n";
/// Of it, where everybody could reach it.
const UNPROVEN: &str = "verification = \"none\"\n";
/// Shorter than a run, so that streams end in the middle of it.
const LIFETIME: &str = "10s";
/// Environments of a function that there may be; more would only wait for the processor.
const ENVIRONMENTS: usize = 12;
/// Streams that one process carries.
const STREAMS: usize = 200;

impl Site {
    pub(crate) async fn start(
        shape: Shape,
        disasters: Disasters,
        redis: &Redis,
        queue: &Queue,
        faults: &Faults,
    ) -> Self {
        let queue_delay = format!("{}s", DELAY.as_secs());
        let queue_visibility = format!("{}s", VISIBILITY.as_secs());
        let reached = queue.through(faults);
        match shape {
            Shape::Relays => {
                let options = RelayOptions::default()
                    .log(redis.url())
                    .queue(&reached.url())
                    .set("ACK", disasters.ack())
                    .set("QUEUE_DELAY", queue_delay)
                    .set("QUEUE_VISIBILITY", queue_visibility)
                    .set("RETRY", "50ms")
                    .set("CLIENT_LIMIT", 60_000_000)
                    .file(SOURCE);
                let (one, two) = tokio::join!(options.clone().start(), options.start());
                Self::Relays(vec![one, two])
            }
            Shape::Functions => {
                let options = DeploymentOptions::over(&redis.url())
                    .unlimited()
                    .queue(queue, &reached)
                    .set("ACK", disasters.ack())
                    .set("QUEUE_DELAY", queue_delay)
                    .set("QUEUE_VISIBILITY", queue_visibility)
                    .set("RETRY", "50ms")
                    .set("MAX_LIFETIME", LIFETIME)
                    .set("LOG_FORMAT", "text")
                    .sources(&format!("{SOURCE}{UNPROVEN}"))
                    .freezing(Freezing::AfterEachAnswer)
                    .reserved(ENVIRONMENTS)
                    .concurrency(STREAMS);
                Self::Functions(Box::new(options.start().await))
            }
        }
    }

    /// Where events can be pushed and followed.
    pub(crate) fn apis(&self) -> Vec<Api> {
        match self {
            Self::Relays(relays) => relays.iter().map(|relay| Api::clone(relay)).collect(),
            Self::Functions(deployment) => vec![Api::clone(deployment)],
        }
    }

    /// Ends one process without a word. A relay comes back after a while, a function when it is called.
    pub(crate) async fn lose_one(&mut self, away: Duration, rng: &mut Rng) -> String {
        match self {
            Self::Relays(relays) => {
                let relay = rng.usize(..relays.len());
                relays[relay].kill().await;
                sleep(away).await;
                relays[relay].restart().await;
                format!("relay {relay} is killed")
            }
            Self::Functions(deployment) => {
                let functions = deployment.functions();
                let environments = functions[rng.usize(..functions.len())].environments().await;
                let Some(environment) = rng.choice(&environments) else {
                    return "nothing runs that could be killed".to_owned();
                };
                environment.kill().await;
                sleep(away).await;
                format!("{} is killed", environment.whose())
            }
        }
    }

    /// Whether everybody says that he has everything.
    pub(crate) async fn is_ready(&self) -> bool {
        for api in self.apis() {
            let answer = api.get("/readyz").send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            if answer["ready"] != true || !answer["degraded"].is_null() {
                return false;
            }
        }
        true
    }

    /// What all of them have logged.
    pub(crate) async fn log(&self) -> String {
        match self {
            Self::Relays(relays) => relays.iter().map(Relay::log).collect(),
            Self::Functions(deployment) => deployment.log().await,
        }
    }
}
