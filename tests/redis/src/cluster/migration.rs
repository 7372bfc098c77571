use futures_util::future::join_all;
use redis::cmd;

use super::line::Line;
use super::{Cluster, QUESTION};
use crate::patience::Patience;
use crate::{PATIENCE, Server};

/// Keys moved by one command.
const BATCH: usize = 100;

impl Cluster {
    /// Moves a slot with its keys from one master to another, and waits until every node knows.
    pub async fn migrate_slot(&self, slot: u16, from: usize, to: usize) {
        self.open_slot(slot, from, to).await;
        self.move_keys(slot, from, to).await;
        self.close_slot(slot, from, to).await;
    }

    /// Begins a migration: from now on `from` answers `ASK` for keys of the slot that it does not have.
    pub async fn open_slot(&self, slot: u16, from: usize, to: usize) {
        let ids = [self.id(from).await, self.id(to).await];
        let set_slot = |state, id| {
            let mut command = cmd("CLUSTER");
            command.arg("SETSLOT").arg(slot).arg(state).arg(id);
            command
        };
        // In this order, so that nobody is sent to a node that does not yet expect him.
        self.nodes[to].call::<()>(&set_slot("IMPORTING", &ids[0])).await;
        self.nodes[from].call::<()>(&set_slot("MIGRATING", &ids[1])).await;
    }

    /// Moves all keys of an open slot.
    pub async fn move_keys(&self, slot: u16, from: usize, to: usize) {
        let (from, port) = (&self.nodes[from], self.nodes[to].port());
        loop {
            let question = ("GETKEYSINSLOT", slot, BATCH);
            let keys: Vec<Vec<u8>> = from.call(cmd("CLUSTER").arg(question)).await;
            if keys.is_empty() {
                return;
            }
            let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
            let target = ("127.0.0.1", port, "", 0, patience, "KEYS");
            from.call::<()>(cmd("MIGRATE").arg(target).arg(keys)).await;
        }
    }

    /// Ends a migration: the slot is `to`'s, and every node knows.
    pub async fn close_slot(&self, slot: u16, from: usize, to: usize) {
        let id = self.id(to).await;
        let mut assign = cmd("CLUSTER");
        assign.arg("SETSLOT").arg(slot).arg("NODE").arg(&id);
        // The new owner first: should the old one give the slot up before, nobody would have it for a moment.
        self.nodes[to].call::<()>(&assign).await;
        self.nodes[from].call::<()>(&assign).await;
        join_all(self.nodes.iter().map(|node| knows_owner(node, slot, &id))).await;
    }

    async fn id(&self, index: usize) -> String {
        self.nodes[index].call(cmd("CLUSTER").arg("MYID")).await
    }
}

/// Waits until a node knows which node a slot belongs to. A node that does not answer is not waited for.
async fn knows_owner(node: &Server, slot: u16, id: &str) {
    let patience = Patience::until("the nodes know the slot's new owner");
    while let Ok(nodes) = node.try_call::<String>(cmd("CLUSTER").arg("NODES"), QUESTION).await {
        if nodes.lines().map(Line::new).any(|line| line.id() == id && line.owns(slot)) {
            return;
        }
        patience.pause().await;
    }
}
