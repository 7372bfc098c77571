use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::Value;
use hookwire_breaker::Breaker;

/// The breakers, one for each server that takes writes: in a cluster the loss of one master must not keep calls from the
/// others.
#[derive(Debug)]
pub(crate) struct Masters {
    open_for: Duration,
    /// For everything, or in a cluster for what belongs to no slot.
    common: Arc<Breaker>,
    cluster: Option<Mutex<Slots>>,
}

/// Which master of a cluster has which slots, as it was told last.
#[derive(Debug, Default)]
struct Slots {
    ranges: Vec<(u16, u16, Arc<Breaker>)>,
    asked_at: Option<Instant>,
}

/// How long an answer about slots counts while calls fail.
const FRESH_FOR: Duration = Duration::from_secs(1);
const SLOTS: u16 = 16_384;
const INCIDENT: &str = "redis-unreachable";

impl Masters {
    pub(crate) fn new(open_for: Duration, is_cluster: bool) -> Self {
        let common = Arc::new(Breaker::new("Redis", INCIDENT, "all", open_for));
        Self { open_for, common, cluster: is_cluster.then(Mutex::default) }
    }

    /// The breaker of the server that has `key`.
    pub(crate) fn breaker(&self, key: Option<&str>) -> Arc<Breaker> {
        let found = self.slots().zip(key).and_then(|(slots, key)| {
            let slot = slot(key);
            let range = slots.ranges.iter().find(|(from, to, _)| (*from..=*to).contains(&slot))?;
            Some(Arc::clone(&range.2))
        });
        found.unwrap_or_else(|| Arc::clone(&self.common))
    }

    /// Whether it is not known which master has which slots.
    pub(crate) fn is_unknown(&self) -> bool {
        self.slots().is_some_and(|slots| slots.asked_at.is_none())
    }

    /// Whether it should be asked again which master has which slots; says so to one caller at a time.
    pub(crate) fn is_to_be_asked(&self) -> bool {
        let Some(mut slots) = self.slots() else { return false };
        let is_old = slots.asked_at.is_none_or(|at| at.elapsed() > FRESH_FOR);
        if is_old {
            slots.asked_at = Some(Instant::now());
        }
        is_old
    }

    /// Takes in what `CLUSTER SLOTS` answers: first and last slot, then the master's host and port, then its replicas.
    pub(crate) fn learn(&self, answer: &Value) {
        let (Some(mut slots), Value::Array(answer)) = (self.slots(), answer) else { return };
        let mut known: HashMap<String, Arc<Breaker>> = HashMap::new();
        for (_, _, breaker) in &slots.ranges {
            known.insert(breaker.server().to_owned(), Arc::clone(breaker));
        }
        slots.ranges = answer
            .iter()
            .filter_map(|range| {
                let (from, to, server) = range_of(range)?;
                let new = || Arc::new(Breaker::new("Redis", INCIDENT, &server, self.open_for));
                let breaker = Arc::clone(known.entry(server.clone()).or_insert_with(new));
                Some((from, to, breaker))
            })
            .collect();
        slots.asked_at = Some(Instant::now());
        let is_left = |breaker: &Breaker| {
            !slots.ranges.iter().any(|(_, _, kept)| kept.server() == breaker.server())
        };
        known.values().filter(|breaker| is_left(breaker)).for_each(|breaker| breaker.retire());
    }

    /// Somebody has seen the servers answer: those that are left alone may be tried.
    pub(crate) fn answer(&self) {
        self.common.answers();
        for (_, _, breaker) in self.slots().iter().flat_map(|slots| &slots.ranges) {
            breaker.answers();
        }
    }

    /// Whether one of the servers is left alone.
    pub(crate) fn is_any_open(&self) -> bool {
        let of_slots = |slots: &Slots| slots.ranges.iter().any(|(_, _, breaker)| breaker.is_open());
        self.common.is_open() || self.slots().is_some_and(|slots| of_slots(&slots))
    }

    fn slots(&self) -> Option<MutexGuard<'_, Slots>> {
        let slots = self.cluster.as_ref()?;
        Some(slots.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The slot of a key: that of its hash tag, which all our keys have.
/// Source: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model>
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map_or(key, |(tag, _)| tag);
    crc16::State::<crc16::XMODEM>::calculate(tag.as_bytes()) % SLOTS
}

fn range_of(range: &Value) -> Option<(u16, u16, String)> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(from), Value::Int(to), Value::Array(master), ..] = range.as_slice() else {
        return None;
    };
    let [Value::BulkString(host), Value::Int(port), ..] = master.as_slice() else { return None };
    let server = format!("{}:{port}", String::from_utf8_lossy(host));
    Some((u16::try_from(*from).ok()?, u16::try_from(*to).ok()?, server))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: i64, to: i64, port: i64) -> Value {
        let master = vec![Value::BulkString(b"10.0.0.1".to_vec()), Value::Int(port)];
        Value::Array(vec![Value::Int(from), Value::Int(to), Value::Array(master)])
    }

    #[test]
    fn slots_are_those_of_redis() {
        // As CLUSTER KEYSLOT answers.
        assert_eq!((slot("foo"), slot("{foo}.x"), slot("a:{foo}:b")), (12_182, 12_182, 12_182));
    }

    #[test]
    fn each_master_of_a_cluster_has_a_breaker_that_it_keeps() {
        let masters = Masters::new(Duration::from_secs(30), true);
        assert!(masters.is_unknown());
        masters.learn(&Value::Array(vec![range(0, 12_000, 1), range(12_001, 16_383, 2)]));
        let breaker = masters.breaker(Some("foo"));
        assert_eq!(breaker.server(), "10.0.0.1:2");
        masters.learn(&Value::Array(vec![range(0, 100, 1), range(101, 16_383, 2)]));
        assert!(Arc::ptr_eq(&breaker, &masters.breaker(Some("foo"))));
        masters.learn(&Value::Array(vec![range(0, 16_383, 3)]));
        assert_eq!(masters.breaker(Some("foo")).server(), "10.0.0.1:3");
        assert_eq!(masters.breaker(None).server(), "all");
    }

    #[test]
    fn one_server_has_one_breaker_for_everything() {
        let masters = Masters::new(Duration::from_secs(30), false);
        assert!(!masters.is_unknown() && !masters.is_to_be_asked());
        assert!(Arc::ptr_eq(&masters.breaker(Some("foo")), &masters.breaker(None)));
    }
}
