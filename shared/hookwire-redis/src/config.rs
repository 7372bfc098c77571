use std::fmt;
use std::time::Duration;

use crate::{Certificates, RedisAddress};

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// Where Redis is.
    pub address: RedisAddress,
    /// Certificates for an address with TLS; without them those of the system count.
    pub certificates: Certificates,
    /// What every key begins with, so that several relays can share one Redis.
    pub namespace: String,
    /// Key of the hash that stands for a name in those of keys; the same in every process.
    pub hash_secret: HashSecret,
    /// Most connections for commands; half of them for appends and half for reads. A quarter as many more may be made for
    /// what instances share beside the log.
    pub connections: usize,
    /// How long an answer may take, and then a connection.
    pub answer_within: Duration,
    /// How long a connection may take to be made.
    pub connect_within: Duration,
    /// How long no call is made after five have failed in a row.
    pub open_for: Duration,
}

/// A secret that is shown as `…`.
#[derive(Clone)]
pub struct HashSecret(pub String);

impl fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl RedisConfig {
    /// Everything but the address as it is by default.
    #[must_use]
    pub fn new(address: RedisAddress) -> Self {
        Self {
            address,
            certificates: Certificates::default(),
            namespace: "hookwire".into(),
            hash_secret: HashSecret("hookwire".into()),
            connections: 50,
            answer_within: Duration::from_millis(500),
            connect_within: Duration::from_secs(1),
            open_for: Duration::from_secs(30),
        }
    }
}
