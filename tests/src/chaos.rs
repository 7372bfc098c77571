mod browser;
mod disaster;
mod ledger;
mod pusher;
mod site;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use hookwire_redis_server::{Server as Redis, ServerOptions};
use hookwire_sqs_server::{Faults, Queues, Server as Sqs};
use tokio::task::JoinSet;

use crate::relay::PATIENCE;

use browser::Browser;
pub use disaster::Disasters;
use ledger::Ledger;
use pusher::Pusher;
pub use site::Shape;
use site::Site;

/// Numbered events that are pushed through relays or functions over one Redis and one SQS while all of them fail, as a seed
/// says.
#[derive(Debug, Clone, Copy)]
pub struct Chaos {
    /// What they are pushed to.
    pub shape: Shape,
    /// Decides what happens, and when.
    pub seed: u64,
    /// Events that are pushed.
    pub events: u64,
    /// Events in a second.
    pub rate: u32,
    /// Browsers that follow, spread over the relays and topics.
    pub browsers: usize,
}

/// What became of everything.
#[derive(Debug)]
pub struct Outcome {
    /// What was done to the servers.
    pub disasters: Vec<String>,
    /// Answers that were not 2xx, after which the event was pushed again.
    pub refused: u64,
    /// Events that were answered `queued`.
    pub queued: u64,
    /// Gaps that browsers were told of.
    pub gaps: usize,
    /// Events that came to a browser a second time, behind a gap that told of it.
    pub repeated: usize,
    /// Events that are lost: the log lost them, and the queue had not taken them in time, which was not asked for.
    pub unprotected: usize,
    /// Longest time until a push was answered.
    pub slowest: Duration,
    /// From the last push until the queue was empty and every stream had everything.
    pub settled: Duration,
}

/// Topics that the events are spread over.
const TOPICS: u64 = 5;
/// When a mirrored event is looked for. Longer than what a disaster loses, and short, or nothing would come back in time.
const DELAY: Duration = Duration::from_secs(3);
/// How long a relay that is killed keeps what it had received.
const VISIBILITY: Duration = Duration::from_secs(3);

/// Functions leave a Redis alone for half a minute that failed them, and each message for longer and longer.
const SETTLED_WITHIN: Duration = Duration::from_mins(4);

/// Everything that can fail.
#[derive(Debug)]
pub(crate) struct World {
    redis: Redis,
    sqs: Sqs,
    faults: Faults,
    queues: Queues,
    site: Site,
}

impl Chaos {
    /// Runs it, and panics when an event is lost, doubled in the log, or missed by a browser without a word.
    pub async fn run(self) -> Outcome {
        let mut rng = Rng::with_seed(self.seed);
        let disasters = Disasters::of(self.seed);
        let mut world = World::start(self.shape, disasters).await;
        let ledger = Arc::new(Ledger::default());
        let apis = world.site.apis();
        let urls: Vec<String> = apis.iter().map(|api| api.url("")).collect();
        let mut browsers = JoinSet::new();
        for number in 0..self.browsers {
            let topic = number as u64 / 2 % TOPICS;
            let browser = Browser::open(&apis[number % apis.len()], topic).await;
            browsers.spawn(browser.follow());
        }
        let pusher = Pusher::new(urls, Arc::clone(&ledger), self.rate);
        let pushing = tokio::spawn(pusher.push_all(self.events, rng.fork()));
        let mut done = Vec::new();
        // What is refused to the end is pushed again in peace.
        let over = Instant::now()
            + Duration::from_secs(1) * u32::try_from(self.events).unwrap() / self.rate;
        while Instant::now() < over {
            done.push(disasters.strike(&mut world, &mut rng).await);
        }
        pushing.await.unwrap();
        let pushed = Instant::now();
        world.settle().await;
        let apis = world.site.apis();
        ledger.end(&apis[0]).await;
        let browsers = tokio::time::timeout(PATIENCE, browsers.join_all()).await;
        let browsers = browsers.expect("every browser catches up");
        let settled = pushed.elapsed();
        let (repeated, unprotected) = ledger.check(&apis, &world.site.log().await, &browsers).await;
        assert!(unprotected == 0 || disasters == Disasters::QueueWorks, "{unprotected} are lost");
        assert_eq!(world.queues.dead_letters.depth().await, hookwire_sqs_server::Depth::default());
        Outcome {
            disasters: done,
            refused: ledger.refused(),
            queued: ledger.queued(),
            slowest: ledger.slowest(),
            gaps: browsers.iter().map(|browser| browser.gaps).sum(),
            repeated,
            unprotected,
            settled,
        }
    }
}

impl World {
    async fn start(shape: Shape, disasters: Disasters) -> Self {
        let redis = ServerOptions::default().set("appendonly", "yes").start().await;
        let sqs = Sqs::start().await;
        let queues = sqs.queue("chaos", 1_000, VISIBILITY).await;
        let faults = Faults::before(&sqs).await;
        let site = Site::start(shape, disasters, &redis, &queues.queue, &faults).await;
        Self { redis, sqs, faults, queues, site }
    }

    /// Waits until nothing is in the queue and everybody says that he has everything.
    async fn settle(&self) {
        let patience = Instant::now();
        loop {
            let depth = self.queues.queue.depth().await;
            let ready = self.site.is_ready().await;
            if depth == hookwire_sqs_server::Depth::default() && ready {
                return;
            }
            assert!(
                patience.elapsed() < SETTLED_WITHIN,
                "it never settles: {depth:?}, ready: {ready}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
