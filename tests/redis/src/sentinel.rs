use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use redis::cmd;

use crate::options::Role;
use crate::patience::Patience;
use crate::{Server, ServerOptions};

const NAME: &str = "mymaster";
const SENTINELS: usize = 3;

/// How many sentinels must agree that the master is gone.
const QUORUM: usize = 2;

/// How long a sentinel may keep a question waiting before the next one is asked: it may be paused.
const QUESTION: Duration = Duration::from_secs(1);

/// What three servers and three sentinels are started with.
#[derive(Debug, Clone)]
pub struct SentinelOptions {
    servers: ServerOptions,
    down_after: Duration,
    failover_timeout: Duration,
}

impl Default for SentinelOptions {
    fn default() -> Self {
        Self {
            servers: ServerOptions::default(),
            down_after: Duration::from_secs(2),
            // After a vote that nobody won, the sentinels wait for twice as long before the next one. A promotion
            // on one machine takes about a second.
            failover_timeout: Duration::from_secs(5),
        }
    }
}

impl SentinelOptions {
    /// Sets one directive of each server's `redis.conf`.
    #[must_use]
    pub fn set(mut self, directive: &str, value: impl ToString) -> Self {
        self.servers = self.servers.set(directive, value);
        self
    }

    /// How long a server may not answer before a sentinel takes it for gone.
    #[must_use]
    pub fn down_after(mut self, down_after: Duration) -> Self {
        self.down_after = down_after;
        self
    }

    /// After how long a failover that goes wrong is given up; the next one begins after twice as long.
    #[must_use]
    pub fn failover_timeout(mut self, failover_timeout: Duration) -> Self {
        self.failover_timeout = failover_timeout;
        self
    }

    /// Starts all six and waits until they would survive the loss of the master.
    pub async fn start(self) -> Sentinel {
        let master = self.servers.clone().start().await;
        let replicaof = format!("127.0.0.1 {}", master.port());
        let replica = || self.servers.clone().set("replicaof", &replicaof).start();
        let (first, second) = tokio::join!(replica(), replica());
        for replica in [&first, &second] {
            replica.follows().await;
        }
        // A sentinel that comes before the replicas asks the master for them again only after ten seconds.
        let sentinels = join_all((0..SENTINELS).map(|_| self.sentinel(&replicaof).start())).await;
        let sentinel = Sentinel { servers: vec![master, first, second], sentinels };
        join_all(sentinel.sentinels.iter().map(knows_everybody)).await;
        sentinel
    }

    fn sentinel(&self, master: &str) -> ServerOptions {
        let [down_after, failover_timeout] =
            [self.down_after, self.failover_timeout].map(|time| time.as_millis());
        ServerOptions::default()
            .role(Role::Sentinel)
            .set("sentinel monitor", format!("{NAME} {master} {QUORUM}"))
            .set("sentinel down-after-milliseconds", format!("{NAME} {down_after}"))
            .set("sentinel failover-timeout", format!("{NAME} {failover_timeout}"))
            .set("sentinel parallel-syncs", format!("{NAME} 1"))
    }
}

/// Waits until a sentinel could vote on a failover and would find both replicas fit for it.
async fn knows_everybody(sentinel: &Server) {
    let patience = Patience::until("the sentinels know each other and the replicas");
    loop {
        let master: HashMap<String, String> =
            sentinel.call(cmd("SENTINEL").arg("MASTER").arg(NAME)).await;
        let replicas: Vec<HashMap<String, String>> =
            sentinel.call(cmd("SENTINEL").arg("REPLICAS").arg(NAME)).await;
        let fit = replicas
            .iter()
            .filter(|replica| replica["flags"] == "slave" && replica["master-link-status"] == "ok");
        let others = (SENTINELS - 1).to_string();
        let known = master["flags"] == "master" && master["num-other-sentinels"] == others;
        if known && fit.count() == 2 {
            return;
        }
        patience.pause().await;
    }
}

/// A master, two replicas, and three sentinels that watch over them.
#[derive(Debug)]
pub struct Sentinel {
    /// The first one starts as the master.
    pub servers: Vec<Server>,
    /// Two of them are enough for a failover.
    pub sentinels: Vec<Server>,
}

impl Sentinel {
    /// A trio with default options.
    pub async fn start() -> Self {
        SentinelOptions::default().start().await
    }

    /// The sentinels, and the name that they know the master by.
    #[must_use]
    pub fn url(&self) -> String {
        let sentinels: Vec<_> = self.sentinels.iter().map(Server::address).collect();
        format!("redis+sentinel://{}/{NAME}", sentinels.join(","))
    }

    /// Which of [`Sentinel::servers`] is the master, says the first sentinel that answers.
    pub async fn master(&self) -> usize {
        let patience = Patience::until("a sentinel names the master");
        loop {
            for sentinel in &self.sentinels {
                let mut question = cmd("SENTINEL");
                question.arg("GET-MASTER-ADDR-BY-NAME").arg(NAME);
                let answer = sentinel.try_call::<(String, u16)>(&question, QUESTION).await;
                if let Ok((_, port)) = answer {
                    let mut servers = self.servers.iter();
                    return servers.position(|server| server.port() == port).unwrap();
                }
            }
            patience.pause().await;
        }
    }

    /// Waits until another server than `old` is the master, and returns which.
    pub async fn master_after(&self, old: usize) -> usize {
        let patience = Patience::until("the sentinels promote a replica");
        loop {
            let master = self.master().await;
            if master != old {
                return master;
            }
            patience.pause().await;
        }
    }
}
