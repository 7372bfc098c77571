use std::path::{Path, PathBuf};

use crate::Server;
use crate::port::Port;

/// What a server keeps and promises unless a test says otherwise: an append-only file, and an error instead of a lost key
/// when memory is full.
const DIRECTIVES: &[(&str, &str)] = &[
    ("appendonly", "yes"),
    // With a sync every second Redis holds back what it writes while one takes long, and a server that is killed then loses
    // what it has answered. The kernel keeps what it was given.
    ("appendfsync", "no"),
    ("save", ""),
    ("maxmemory-policy", "noeviction"),
    // Redis waits five seconds for further replicas before it sends the first one its copy.
    ("repl-diskless-sync-delay", "0"),
];

/// What a server is started with.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    directives: Vec<(String, String)>,
    folder: Option<PathBuf>,
    port: Option<u16>,
    pub(crate) tls: bool,
    pub(crate) role: Role,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Server,
    /// Knows no data, and is configured by other directives than a server.
    Sentinel,
    /// Speaks to the other nodes on a second port.
    ClusterNode,
}

impl ServerOptions {
    /// Sets one directive of `redis.conf`, over the default and what was set before.
    ///
    /// Directives that Redis allows more than once, such as `user`, add up.
    #[must_use]
    pub fn set(mut self, directive: &str, value: impl ToString) -> Self {
        self.directives.push((directive.to_owned(), value.to_string()));
        self
    }

    /// Listens with TLS only, with certificates of its own, and refuses clients that show none.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Runs in this folder, and not in one of its own.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Listens on this port, and not on a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    #[must_use]
    pub(crate) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Starts the server and waits until it answers.
    pub async fn start(self) -> Server {
        let temporary = || tempfile::Builder::new().prefix("hookwire-redis-").tempdir().unwrap();
        let own = self.folder.is_none().then(temporary);
        let folder = self.folder.clone().unwrap_or_else(|| own.as_ref().unwrap().path().to_owned());
        std::fs::create_dir_all(&folder).unwrap();
        // The server resolves paths in its own folder.
        let folder = folder.canonicalize().unwrap();
        let port = self.port.map_or_else(Port::free, Port::chosen);
        let bus = (self.role == Role::ClusterNode).then(Port::free);
        Server::run(self, folder, own, port, bus).await
    }

    /// The configuration file, where a later line wins over an earlier one.
    pub(crate) fn config(&self, folder: &Path, port: u16, bus: Option<u16>) -> String {
        let folder = folder.display();
        let mut lines = vec!["bind 127.0.0.1".to_owned(), format!("dir \"{folder}\"")];
        if self.tls {
            lines.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                "tls-auth-clients yes".to_owned(),
                format!("tls-ca-cert-file \"{folder}/ca.crt\""),
                format!("tls-cert-file \"{folder}/server.crt\""),
                format!("tls-key-file \"{folder}/server.key\""),
            ]);
        } else {
            lines.push(format!("port {port}"));
        }
        if self.role != Role::Sentinel {
            lines.extend(DIRECTIVES.iter().map(|(name, value)| line(name, value)));
        }
        if let Some(bus) = bus {
            lines.extend(["cluster-enabled yes".to_owned(), format!("cluster-port {bus}")]);
        }
        lines.extend(self.directives.iter().map(|(name, value)| line(name, value)));
        lines.join("\n") + "\n"
    }
}

fn line(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name} \"\"") } else { format!("{name} {value}") }
}
