use std::time::Duration;

use fastrand::Rng;
use hookwire_sqs_server::Fault;
use tokio::time::sleep;

use super::World;

/// What may happen in one run.
///
/// Where an answer of the log is enough, an event is lost when the queue cannot take it and the log then loses it: that is
/// the choice of whoever sets it. So there either the one fails or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disasters {
    /// Anything at any time, and only the queue's answer counts.
    All,
    /// Anything but that Redis loses what it has answered; either answer counts.
    NothingLost,
    /// Redis fails in every way and relays die, while SQS works; either answer counts.
    QueueWorks,
}

impl Disasters {
    /// Each third of the seeds has its own.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        [Self::All, Self::NothingLost, Self::QueueWorks][(seed % 3) as usize]
    }

    pub(crate) fn ack(self) -> &'static str {
        if self == Self::All { "queue" } else { "any" }
    }

    /// Lets a while pass and then one disaster happen, from its beginning to its end.
    pub(crate) async fn strike(self, world: &mut World, rng: &mut Rng) -> String {
        sleep(Duration::from_millis(rng.u64(100..600))).await;
        let lasting = Duration::from_millis(rng.u64(50..2_500));
        let kinds: &[u8] = match self {
            Self::All => &[0, 1, 2, 3, 4, 5],
            Self::NothingLost => &[0, 1, 3, 4, 5],
            Self::QueueWorks => &[0, 1, 2, 3],
        };
        let what = match kinds[rng.usize(..kinds.len())] {
            0 => {
                world.redis.kill().await;
                sleep(lasting).await;
                world.redis.restart().await;
                "Redis is killed".to_owned()
            }
            1 => {
                world.redis.pause();
                sleep(lasting).await;
                world.redis.resume();
                "Redis is paused".to_owned()
            }
            2 => {
                world.redis.kill_and_lose(Duration::from_secs(1)).await;
                sleep(lasting / 2).await;
                world.redis.restart().await;
                "Redis loses its last second".to_owned()
            }
            3 => world.site.lose_one(lasting / 4, rng).await,
            4 => {
                let fault = [
                    Fault::Refuse,
                    Fault::Fail,
                    Fault::FailAfter,
                    Fault::Hang,
                    Fault::Slow(Duration::from_millis(rng.u64(50..1_000))),
                ][rng.usize(..5)];
                let what = format!("SQS: {fault:?}");
                world.faults.set(fault);
                sleep(lasting).await;
                world.faults.set(Fault::None);
                what
            }
            _ => {
                // The one while the other: nothing durable is left, and the sender keeps what it has.
                world.redis.pause();
                world.sqs.pause();
                sleep(lasting).await;
                world.sqs.resume();
                world.redis.resume();
                "Redis and SQS are paused".to_owned()
            }
        };
        format!("{what} for {} ms", lasting.as_millis())
    }
}
