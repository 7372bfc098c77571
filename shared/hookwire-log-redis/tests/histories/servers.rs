use std::collections::HashMap;
use std::time::Duration;

use hookwire_event::Topic;
use hookwire_log::conformance::TestClock;
use hookwire_log::{Log, Retention, Start};
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_redis::RedisConfig;
use hookwire_redis::redis::aio::MultiplexedConnection;
use hookwire_redis::redis::{Cmd, FromRedisValue, Value, cmd};
use hookwire_redis_server::{Server, ServerOptions};

/// The servers between which the histories move their topics.
pub(crate) struct Servers {
    nodes: Vec<Node>,
    tag: String,
}

struct Node {
    server: Server,
    connection: MultiplexedConnection,
}

/// Everything that a server keeps of one topic: each key with its life and content.
pub(crate) type Dump = Vec<(&'static str, i64, Vec<u8>)>;

/// An entry of the log: its id and its fields.
pub(crate) type Raw = (String, Vec<Vec<u8>>);

pub(crate) const KEYS: [&str; 4] = ["log", "state", "seen:0", "seen:1"];
const COUNT: usize = 6;

impl Servers {
    pub(crate) async fn start() -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        let mut names = Vec::new();
        while nodes.len() < COUNT {
            // None is started again and needs its file, and one that waits for its disk answers no append in time.
            let server = ServerOptions::default().set("appendonly", "no").start().await;
            // One in thousands shares what keeps generations apart that begin in the same millisecond.
            let name = server.info("master_replid").await.unwrap().split_at(3).0.to_owned();
            if !names.contains(&name) {
                names.push(name);
                nodes.push(Node { connection: server.connect().await, server });
            }
        }
        let mut servers = Self { nodes, tag: String::new() };
        servers.tag = servers.find_tag().await;
        servers
    }

    /// What stands for the topic in the names of its keys.
    async fn find_tag(&self) -> String {
        let clock = TestClock::default();
        let log = self.log(0, "probe", Retention::default(), &clock, true);
        log.locate(&topic(), Start::Tail).await.unwrap();
        let keys: Vec<String> = self.call(0, cmd("KEYS").arg("probe:*")).await;
        keys[0].split(['{', '}']).nth(1).unwrap().to_owned()
    }

    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn log(
        &self,
        node: usize,
        namespace: &str,
        retention: Retention,
        clock: &TestClock,
        tell_server_change: bool,
    ) -> RedisLog {
        let address = self.nodes[node].server.url().parse().unwrap();
        let redis = RedisConfig {
            namespace: namespace.to_owned(),
            connections: 2,
            // All histories share two cores.
            answer_within: Duration::from_secs(20),
            connect_within: Duration::from_secs(20),
            ..RedisConfig::new(address)
        };
        let clock = Some(clock.clock());
        let config = RedisLogConfig { redis, retention, tell_server_change, clock };
        RedisLog::new(&config).unwrap()
    }

    pub(crate) async fn call<T: FromRedisValue>(&self, node: usize, command: &Cmd) -> T {
        command.query_async(&mut self.nodes[node].connection.clone()).await.unwrap()
    }

    pub(crate) fn key(&self, namespace: &str, part: &str) -> String {
        format!("{namespace}:{{{}}}:{part}", self.tag)
    }

    /// Every entry of the log.
    pub(crate) async fn entries(&self, node: usize, namespace: &str) -> Vec<Raw> {
        let key = self.key(namespace, "log");
        self.call(node, cmd("XRANGE").arg(key).arg("-").arg("+")).await
    }

    /// The generation of the topic's state; nothing when there is no state.
    pub(crate) async fn generation(&self, node: usize, namespace: &str) -> Option<u64> {
        let key = self.key(namespace, "state");
        let state: Option<String> = self.call(node, cmd("GET").arg(key)).await;
        state.map(|state| state.split(' ').next().unwrap().parse().unwrap())
    }

    pub(crate) async fn dump(&self, node: usize, namespace: &str) -> Dump {
        let mut dump = Dump::new();
        for part in KEYS {
            let key = self.key(namespace, part);
            let life: i64 = self.call(node, cmd("PTTL").arg(&key)).await;
            let content: Option<Vec<u8>> = self.call(node, cmd("DUMP").arg(&key)).await;
            if let Some(content) = content {
                dump.push((part, life, content));
            }
        }
        dump
    }

    /// Every key of a namespace, whatever it is for, and for how many milliseconds it is kept.
    pub(crate) async fn lives(&self, node: usize, namespace: &str) -> Vec<(String, i64)> {
        let keys: Vec<String> = self.call(node, cmd("KEYS").arg(format!("{namespace}:*"))).await;
        let mut lives = Vec::new();
        for key in keys {
            let life = self.call(node, cmd("PTTL").arg(&key)).await;
            lives.push((key, life));
        }
        lives
    }

    pub(crate) async fn restore(&self, node: usize, namespace: &str, dump: &Dump) {
        for (part, life, content) in dump {
            let key = self.key(namespace, part);
            let mut restore = cmd("RESTORE");
            self.call::<()>(node, restore.arg(key).arg(life).arg(content).arg("REPLACE")).await;
        }
    }

    pub(crate) async fn delete(&self, node: usize, namespace: &str, parts: &[&str]) {
        let keys: Vec<_> = parts.iter().map(|part| self.key(namespace, part)).collect();
        self.call::<()>(node, cmd("DEL").arg(keys)).await;
    }

    /// Puts other fields into an entry, whose place stays.
    pub(crate) async fn damage(&self, node: usize, namespace: &str, id: &str, fields: &[&[u8]]) {
        let key = self.key(namespace, "log");
        let life: i64 = self.call(node, cmd("PTTL").arg(&key)).await;
        let info: HashMap<String, Value> =
            self.call(node, cmd("XINFO").arg("STREAM").arg(&key)).await;
        let newest = String::from_redis_value(info["last-generated-id"].clone()).unwrap();
        let entries = self.entries(node, namespace).await;
        self.delete(node, namespace, &["log"]).await;
        for (at, old) in entries {
            let mut add = cmd("XADD");
            add.arg(&key).arg(&at);
            match at == id {
                true => add.arg(fields),
                false => add.arg(old),
            };
            self.call::<()>(node, &add).await;
        }
        self.call::<()>(node, cmd("XSETID").arg(&key).arg(newest)).await;
        self.call::<()>(node, cmd("PEXPIRE").arg(&key).arg(life)).await;
    }
}

pub(crate) fn topic() -> Topic {
    Topic::parse("t").unwrap()
}
