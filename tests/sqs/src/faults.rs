mod connection;
mod network;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Server;
use network::Network;

/// What becomes of the requests that are on their way to a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    #[default]
    None,
    /// They are passed on at once, and the answers come that much later.
    Slow(Duration),
    /// They fail with status 500, and the server never sees them.
    Fail,
    /// They fail with status 403, as for a role that lacks the right, and the server never sees them.
    Deny,
    /// They are passed on and have their effect, but fail with status 500 all the same.
    FailAfter,
    /// Connections are reset at once, and those that are open are cut, also in the middle of a request. The server learns
    /// of it a moment later: see [`Queue::polls`](crate::Queue::polls) before sending what no cut poll may receive.
    Refuse,
    /// They are taken and not answered until this changes. What is still waited for then meets the new fault: see
    /// [`Faults::unanswered`] before changing it for clients that have given up.
    Hang,
}

/// A faulty network in front of a server: an endpoint of its own that passes requests on, or does not.
///
/// It ends when this value is dropped, and its connections with it.
#[derive(Debug)]
pub struct Faults {
    address: SocketAddr,
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

impl Faults {
    /// A network without faults in front of this server.
    pub async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let network = Arc::new(Network::to(server.url()));
        let accepting = tokio::spawn(connection::accept(listener, Arc::clone(&network)));
        Self { address, network, accepting }
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what becomes of all requests, from the next one on, of whatever action.
    pub fn set(&self, fault: Fault) {
        self.network.set(fault);
    }

    /// Changes what becomes of the requests for one action, such as `DeleteMessage`, from the next one on and until
    /// [`Faults::set`] is called. [`Fault::Refuse`] then cuts the connection that such a request comes on.
    pub fn set_for(&self, action: &str, fault: Fault) {
        self.network.set_for(action, fault);
    }

    /// How many requests for an action have arrived, whatever became of them.
    #[must_use]
    pub fn calls(&self, action: &str) -> u64 {
        self.network.calls(action)
    }

    /// How many requests have arrived that are neither answered nor given up by their client.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.network.unanswered()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
