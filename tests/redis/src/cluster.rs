mod line;
mod migration;

use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::future::join_all;
use redis::cmd;

use self::line::Line;
use crate::options::Role;
use crate::patience::Patience;
use crate::{Server, ServerOptions};

const SLOTS: u16 = 16_384;
const MASTERS: usize = 3;

/// How long a node may keep a question waiting before it counts as absent: it may be paused.
const QUESTION: Duration = Duration::from_secs(1);

/// What six nodes are started with.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    nodes: ServerOptions,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        let nodes = ServerOptions::default().role(Role::ClusterNode);
        Self { nodes: nodes.set("cluster-node-timeout", 2000) }
    }
}

impl ClusterOptions {
    /// Sets one directive of each node's `redis.conf`.
    #[must_use]
    pub fn set(mut self, directive: &str, value: impl ToString) -> Self {
        self.nodes = self.nodes.set(directive, value);
        self
    }

    /// Starts six nodes, makes a cluster of them, and waits until all agree on it and every replica has its copy.
    pub async fn start(self) -> Cluster {
        let nodes = join_all((0..MASTERS * 2).map(|_| self.nodes.clone().start())).await;
        let cluster = Cluster { nodes };
        cluster.form().await;
        cluster
    }
}

/// Three masters with a replica each.
#[derive(Debug)]
pub struct Cluster {
    /// The first three start as masters of a third of the slots each, the others as their replicas in the same order.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// A cluster with default options.
    pub async fn start() -> Self {
        ClusterOptions::default().start().await
    }

    async fn form(&self) {
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for (index, node) in self.nodes.iter().enumerate() {
            // Nodes that begin with the same epoch first argue about who is right.
            node.call::<()>(cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(index + 1)).await;
        }
        for (index, master) in masters.iter().enumerate() {
            let slots = third(index);
            let ends = [slots.start(), slots.end()];
            master.call::<()>(cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(&ends)).await;
        }
        // Introduced to each other in pairs, as gossip alone takes seconds.
        for (index, node) in self.nodes.iter().enumerate() {
            for other in &self.nodes[index + 1..] {
                let address = ("127.0.0.1", other.port(), other.bus_port());
                node.call::<()>(cmd("CLUSTER").arg("MEET").arg(address)).await;
            }
        }
        join_all(self.nodes.iter().map(|node| self.is_known_to(node))).await;
        for (master, replica) in masters.iter().zip(replicas) {
            let id: String = master.call(cmd("CLUSTER").arg("MYID")).await;
            replica.call::<()>(cmd("CLUSTER").arg("REPLICATE").arg(id)).await;
        }
        join_all(replicas.iter().map(Server::follows)).await;
        join_all(self.nodes.iter().map(|node| self.is_served_by(node))).await;
    }

    /// Waits until a node has shaken hands with all others.
    async fn is_known_to(&self, node: &Server) {
        let patience = Patience::until("the nodes know each other");
        loop {
            let known: String = node.call(cmd("CLUSTER").arg("NODES")).await;
            let connected = known.lines().filter(|line| line.contains(" connected"));
            if connected.count() == self.nodes.len() && !known.contains("handshake") {
                return;
            }
            patience.pause().await;
        }
    }

    /// Waits until a node takes part and knows which nodes are replicas.
    async fn is_served_by(&self, node: &Server) {
        let patience = Patience::until("the nodes agree that the cluster is complete");
        loop {
            let info: String = node.call(cmd("CLUSTER").arg("INFO")).await;
            let known: String = node.call(cmd("CLUSTER").arg("NODES")).await;
            let replicas = known.lines().filter(|line| line.contains("slave ")).count();
            if info.contains("cluster_state:ok") && replicas == self.nodes.len() - MASTERS {
                return;
            }
            patience.pause().await;
        }
    }

    /// All nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(Server::address).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Which of [`Cluster::nodes`] serves this slot. While nobody does, as in a failover, it waits.
    ///
    /// Each node is asked for itself only, and the one with the latest epoch is right: a master that was paused and
    /// replaced does not know it at once.
    pub async fn master_of_slot(&self, slot: u16) -> usize {
        let patience = Patience::until("a master serves the slot");
        loop {
            let epochs = join_all(self.nodes.iter().map(|node| epoch_of_slot(node, slot))).await;
            let claims = epochs.into_iter().enumerate();
            let claims = claims.filter_map(|(index, epoch)| Some((epoch?, index)));
            if let Some((_, index)) = claims.max() {
                return index;
            }
            patience.pause().await;
        }
    }
}

fn third(index: usize) -> RangeInclusive<u16> {
    let bound = |index: usize| u16::try_from(usize::from(SLOTS) * index / MASTERS).unwrap();
    bound(index)..=bound(index + 1) - 1
}

/// The epoch with which a node says that the slot is its own, if it answers and says so.
async fn epoch_of_slot(node: &Server, slot: u16) -> Option<u64> {
    let nodes: String = node.try_call(cmd("CLUSTER").arg("NODES"), QUESTION).await.ok()?;
    let myself =
        nodes.lines().map(Line::new).find(|line| line.flags().any(|flag| flag == "myself"))?;
    (myself.flags().any(|flag| flag == "master") && myself.owns(slot)).then(|| myself.epoch())
}
