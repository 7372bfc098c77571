use crate::baseline::Pacing;
use crate::peers::Peer;
use crate::report::Report;
use crate::server::{Server, Site};

/// A server that is measured beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// The relay, its log in memory.
    Relay,
    Limit(Pacing),
    Peer(Peer),
}

impl Contender {
    pub const WRITE: Self = Self::Limit(Pacing::Write);
    pub const BATCH: Self = Self::Limit(Pacing::Batch);

    /// These, and the peers that are installed; says how the others can be.
    pub fn with_peers(own: &[Self], site: &Site, report: &Report) -> anyhow::Result<Vec<Self>> {
        let installed = Peer::installed(site);
        for peer in Peer::ALL.into_iter().filter(|peer| !installed.contains(peer)) {
            report.say(&format!("without {}: {}", peer.name(), peer.to_install(site)))?;
        }
        Ok(own.iter().copied().chain(installed.into_iter().map(Self::Peer)).collect())
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Limit(Pacing::Write) => "limit-write",
            Self::Limit(Pacing::Batch) => "limit-batch",
            Self::Peer(peer) => peer.name(),
        }
    }

    pub fn start(self, site: &Site) -> anyhow::Result<Server> {
        match self {
            Self::Relay => site.relay("memory:"),
            Self::Limit(pacing) => site.baseline(pacing),
            Self::Peer(peer) => peer.start(site),
        }
    }
}
