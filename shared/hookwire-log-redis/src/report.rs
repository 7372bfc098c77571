use std::fmt;

use hookwire_log::{BoxError, ReadError};
use hookwire_redis::redis::{self, FromRedisValue, InfoDict, Value};
use hookwire_redis::{Call, Purpose, Redis};

use crate::fault::read_error;

/// What a server says of itself, and what on-call should change about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// Its version.
    pub version: String,
    /// `master` or `slave`.
    pub role: String,
    /// Replicas that are connected.
    pub replicas: u64,
    /// Connections that are open, and how many there may be, if it tells.
    pub connections: Option<(u64, u64)>,
    /// What keeps it from taking appends, each with what to do.
    pub faults: Vec<String>,
    /// What puts the log at risk, each with what to do.
    pub warnings: Vec<String>,
}

/// Oldest version that knows exclusive ranges, and, for a cluster, sharded channels.
const OLDEST: (u64, u64) = (6, 2);
const OLDEST_IN_CLUSTER: (u64, u64) = (7, 0);

impl ServerReport {
    pub(crate) async fn of(redis: &Redis) -> Result<Vec<Self>, ReadError> {
        let info = redis::cmd("INFO");
        let answer = redis.call(Purpose::Read, Call::Command(&info, None)).await;
        // Of a cluster every node answers.
        let answers = match answer.map_err(read_error)? {
            Value::Map(nodes) => nodes.into_iter().map(|(_, info)| info).collect(),
            one => vec![one],
        };
        let infos = answers.into_iter().map(InfoDict::from_redis_value);
        let infos = infos.collect::<Result<Vec<_>, _>>();
        let infos = infos.map_err(|error| ReadError(BoxError::from(error)))?;
        Ok(infos.iter().map(|info| Self::read(info, redis.is_cluster())).collect())
    }

    fn read(info: &InfoDict, cluster: bool) -> Self {
        let text = |name: &str| info.get::<String>(name).unwrap_or_default();
        let number = |name: &str| info.get::<u64>(name).unwrap_or_default();
        let version = text("redis_version");
        let role = text("role");
        let replicas = number("connected_slaves");
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        let oldest = if cluster { OLDEST_IN_CLUSTER } else { OLDEST };
        if parsed(&version).is_some_and(|version| version < oldest) {
            let (major, minor) = oldest;
            faults.push(format!("version {version} is too old; use {major}.{minor} or later"));
        }
        if role == "slave" && !cluster {
            faults.push(
                "it is a replica, which takes no appends; give the address of its master".into(),
            );
        }
        let policy = text("maxmemory_policy");
        // Every key has a life, so these policies evict as freely as those for all keys do.
        if !policy.is_empty() && policy != "noeviction" {
            warnings.push(format!(
                "maxmemory-policy {policy} may evict events that nobody has read; set it to noeviction"
            ));
        }
        if role == "master" && replicas == 0 {
            let advice = "no replica is connected, so the log is away while this server is; add a replica, with \
                          Sentinel or as a cluster";
            warnings.push(advice.into());
        }
        // Only told where it is set.
        if replicas > 0 && !cluster && info.get::<u64>("min_slaves_good_slaves").is_none() {
            let advice = "after a failover a master that was cut off goes on taking events, which are lost when it is told \
                          of the new one; set min-replicas-to-write 1";
            warnings.push(advice.into());
        }
        if number("aof_enabled") == 0 {
            warnings.push(
                "it has no append-only file, so a restart loses acknowledged events; set appendonly yes".into(),
            );
        }
        let (used, most) = (number("used_memory"), number("maxmemory"));
        if most > 0 && used > most / 10 * 9 {
            let percent = used.saturating_mul(100) / most;
            warnings.push(format!("{percent} % of its memory are used, and it takes nothing when all are; raise maxmemory, or keep less"));
        }
        let connections = info.get("connected_clients").zip(info.get("maxclients"));
        Self { version, role, replicas, connections, faults, warnings }
    }
}

fn parsed(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

impl fmt::Display for ServerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis {}, {}, {} replicas", self.version, self.role, self.replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(info: &str, cluster: bool) -> Vec<String> {
        let ServerReport { faults, warnings, .. } =
            ServerReport::read(&InfoDict::new(info), cluster);
        [faults, warnings].concat()
    }

    const GOOD: &str = "redis_version:7.0.15\r\nrole:master\r\nconnected_slaves:1\r\nmin_slaves_good_slaves:1\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nused_memory:950\r\nmaxmemory:0\r\n";

    #[test]
    fn a_server_without_fault_gets_no_warning() {
        assert_eq!(warnings(GOOD, false), Vec::<String>::new());
        assert_eq!(warnings(GOOD, true), Vec::<String>::new());
    }

    #[test]
    fn each_risk_is_told_with_what_to_do() {
        for (good, bad, todo) in [
            ("7.0.15", "6.0.16", "6.2 or later"),
            ("min_slaves_good_slaves:1\r\n", "", "min-replicas-to-write 1"),
            ("noeviction", "allkeys-lru", "set it to noeviction"),
            ("noeviction", "volatile-ttl", "set it to noeviction"),
            ("connected_slaves:1", "connected_slaves:0", "add a replica"),
            ("aof_enabled:1", "aof_enabled:0", "appendonly yes"),
            ("role:master", "role:slave", "address of its master"),
            ("maxmemory:0", "maxmemory:1000", "raise maxmemory"),
        ] {
            let told = warnings(&GOOD.replace(good, bad), false);
            assert!(told.len() == 1 && told[0].contains(todo), "{bad}: {told:?}");
        }
        assert_eq!(warnings(&GOOD.replace("7.0.15", "6.2.1"), true).len(), 1);
    }
}
