use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
use failsafe::{Instrument, StateMachine};

/// Keeps calls from a server that does not answer: each would cost a time-out, and all of them would fall on the server
/// in the moment in which it comes back.
///
/// Opens after five failures in a row. Then one call, the probe, is let through after a while, or as soon as somebody has
/// seen the server answer; it decides whether all are.
#[derive(Debug)]
pub struct Breaker {
    server: Arc<str>,
    machine: StateMachine<ConsecutiveFailures<About>, Transitions>,
    state: Transitions,
    probing: AtomicBool,
    answers_again: AtomicBool,
    /// When a probe is let through whatever else is known.
    probed_after: Duration,
}

/// Failures in a row after which no more calls are made.
const FAILURES: u32 = 5;

/// About so long: several processes that lost the same server do not probe it at the same moment.
#[derive(Debug, Clone)]
struct About(Duration);

impl Iterator for About {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0.mul_f64(0.8 + 0.4 * fastrand::f64()))
    }
}

/// The state as it was last heard of, whose number is that of the metric, and of which server it is.
#[derive(Debug, Clone)]
struct Transitions {
    of: &'static str,
    server: Arc<str>,
    state: Arc<AtomicU8>,
    /// By the clock on the wall, which goes on while a process is frozen.
    opened_at_ms: Arc<AtomicU64>,
    /// What somebody is told of when it opens.
    incident: &'static str,
    /// The whole time that it is not closed, and what it kept from the server meanwhile.
    outage: Arc<Outage>,
}

#[derive(Debug, Default)]
struct Outage {
    began_at_ms: AtomicU64,
    calls_spared: AtomicU64,
}

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;
/// Calls that were on their way when their server was replaced may still fail, and nobody would ever hear the end of it.
const RETIRED: u8 = 3;

impl Transitions {
    /// The state before; nothing, and no change, when nobody asks any more.
    fn to(&self, state: u8, name: &'static str) -> Option<u8> {
        let still = |before| (before != RETIRED).then_some(state);
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, still).ok()?;
        self.show(state);
        let [of, server] = self.labels();
        let labels = [of, server, ("to", name.to_owned())];
        metrics::counter!("hookwire_breaker_transitions_total", &labels).increment(1);
        Some(before)
    }

    fn show(&self, state: u8) {
        metrics::gauge!("hookwire_breaker_state", &self.labels()).set(state);
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [("of", self.label()), ("server", self.server.to_string())]
    }

    fn label(&self) -> String {
        self.of.to_ascii_lowercase()
    }
}

impl Instrument for Transitions {
    fn on_call_rejected(&self) {
        metrics::counter!("hookwire_breaker_rejected_total", "of" => self.label()).increment(1);
    }

    fn on_open(&self) {
        self.opened_at_ms.store(wall_ms(), Ordering::Release);
        if self.to(OPEN, "open") == Some(CLOSED) {
            self.outage.began_at_ms.store(wall_ms(), Ordering::Release);
            self.outage.calls_spared.store(0, Ordering::Release);
            tracing::warn!(
                incident = self.incident,
                failures = FAILURES,
                server = %self.server,
                "{} does not answer; it is left alone for a while",
                self.of
            );
        }
    }

    fn on_half_open(&self) {
        self.to(HALF_OPEN, "half_open");
    }

    fn on_closed(&self) {
        if self.to(CLOSED, "closed").is_some_and(|before| before != CLOSED) {
            let began_at_ms = self.outage.began_at_ms.load(Ordering::Acquire);
            tracing::info!(
                incident = self.incident,
                resolved = true,
                server = %self.server,
                duration_ms = wall_ms().saturating_sub(began_at_ms),
                calls_spared = self.outage.calls_spared.load(Ordering::Acquire),
                "{} answers again; calls are made as before",
                self.of
            );
        }
    }
}

/// Leave to make one call. Dropped without a word, as when its caller goes away, it says nothing about the server.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    /// A closed breaker for `server`, one of those that `of` names: both stand in log lines and metrics. Its opening is
    /// `incident`.
    ///
    /// The probe is let through after about `open_for`.
    #[must_use]
    pub fn new(of: &'static str, incident: &'static str, server: &str, open_for: Duration) -> Self {
        let server: Arc<str> = server.into();
        let state = Transitions {
            of,
            server: Arc::clone(&server),
            state: Arc::default(),
            opened_at_ms: Arc::default(),
            incident,
            outage: Arc::default(),
        };
        // Without it the one server of a cluster that is away would look like all of them.
        state.show(CLOSED);
        let policy = consecutive_failures(FAILURES, About(open_for));
        Self {
            server,
            machine: StateMachine::new(policy, state.clone()),
            state,
            probing: AtomicBool::new(false),
            answers_again: AtomicBool::new(false),
            probed_after: open_for * 2,
        }
    }

    /// The server, as it is called in log lines and metrics.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Asks for leave to make a call.
    #[must_use]
    pub fn permit(&self) -> Option<Permit<'_>> {
        let permit = self.leave();
        if permit.is_none() {
            self.state.outage.calls_spared.fetch_add(1, Ordering::Relaxed);
        }
        permit
    }

    fn leave(&self) -> Option<Permit<'_>> {
        let closed = self.state.state.load(Ordering::Acquire) == CLOSED;
        if closed && self.machine.is_call_permitted() {
            return Some(Permit { breaker: self, probe: false });
        }
        // One probe at a time, or all that wait would be sent at once.
        if self.probing.swap(true, Ordering::AcqRel) {
            return None;
        }
        let permit = Permit { breaker: self, probe: true };
        let seen = self.answers_again.swap(false, Ordering::AcqRel) || self.was_frozen();
        (seen || self.machine.is_call_permitted()).then_some(permit)
    }

    /// Whether it has been open for long by the clock on the wall, and the one that it goes by has stood still.
    fn was_frozen(&self) -> bool {
        let ago_ms = wall_ms().saturating_sub(self.state.opened_at_ms.load(Ordering::Acquire));
        Duration::from_millis(ago_ms) > self.probed_after
    }

    /// Somebody has seen the server answer: the next call may be the probe.
    pub fn answers(&self) {
        if self.is_open() {
            self.answers_again.store(true, Ordering::Release);
        }
    }

    /// Nobody will make calls to this server any more: whoever was told that it does not answer hears the end of it.
    pub fn retire(&self) {
        let before = self.state.state.swap(RETIRED, Ordering::AcqRel);
        if matches!(before, OPEN | HALF_OPEN) {
            self.state.show(CLOSED);
            tracing::info!(
                incident = self.state.incident,
                resolved = true,
                server = %self.server,
                "{} is asked for nothing any more; another server has taken its place",
                self.state.of
            );
        }
    }

    /// Whether no calls are made but the probe.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.state.load(Ordering::Acquire), OPEN | HALF_OPEN)
    }
}

fn wall_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl Permit<'_> {
    /// The server answered, whatever it said.
    pub fn answered(self) {
        if self.probe {
            self.breaker.machine.reset();
        }
        self.breaker.machine.on_success();
    }

    /// The server did not answer, or is not the one that can.
    pub fn failed(self) {
        if self.probe {
            self.breaker.state.opened_at_ms.store(wall_ms(), Ordering::Release);
        }
        self.breaker.machine.on_error();
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.probing.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(open_for: Duration) -> Breaker {
        let breaker = Breaker::new("Redis", "redis-unreachable", "all", open_for);
        for _ in 0..FAILURES {
            assert!(!breaker.is_open());
            breaker.permit().unwrap().failed();
        }
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn a_process_that_was_frozen_probes_by_the_clock_on_the_wall_and_once() {
        let breaker = opened(Duration::from_hours(1));
        assert!(breaker.permit().is_none());
        let hours_ago = wall_ms() - 3 * 60 * 60 * 1000;
        breaker.state.opened_at_ms.store(hours_ago, Ordering::Release);
        breaker.permit().unwrap().failed();
        assert!(breaker.permit().is_none(), "it has just been tried");
        breaker.state.opened_at_ms.store(hours_ago, Ordering::Release);
        breaker.permit().unwrap().answered();
        assert!(!breaker.is_open());
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let breaker = Breaker::new("Redis", "redis-unreachable", "all", Duration::from_secs(30));
        for _ in 0..20 {
            (1..FAILURES).for_each(|_| breaker.permit().unwrap().failed());
            breaker.permit().unwrap().answered();
        }
        assert!(!breaker.is_open());
        assert!(opened(Duration::from_secs(30)).permit().is_none());
    }

    #[test]
    fn what_fails_on_its_way_when_its_server_was_replaced_opens_nothing() {
        let breaker = Breaker::new("Redis", "redis-unreachable", "one", Duration::from_secs(30));
        let on_their_way: Vec<_> = (0..FAILURES).filter_map(|_| breaker.permit()).collect();
        breaker.retire();
        on_their_way.into_iter().for_each(Permit::failed);
        assert!(!breaker.is_open());
        let breaker = opened(Duration::from_secs(30));
        breaker.retire();
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let breaker = opened(Duration::ZERO);
        let probe = breaker.permit().unwrap();
        assert!(breaker.permit().is_none(), "a second one would be no probe");
        probe.failed();
        assert!(breaker.is_open());
        drop(breaker.permit().unwrap());
        let probe = breaker.permit().expect("one that said nothing makes room for the next");
        probe.answered();
        assert!(!breaker.is_open());
        let _one = breaker.permit().unwrap();
        assert!(breaker.permit().is_some());
    }

    #[test]
    fn a_server_that_was_seen_to_answer_is_probed_at_once() {
        let breaker = opened(Duration::from_secs(30));
        assert!(breaker.permit().is_none());
        breaker.answers();
        breaker.permit().unwrap().failed();
        assert!(breaker.permit().is_none(), "that leave was for one call");
        breaker.answers();
        breaker.permit().unwrap().answered();
        assert!(!breaker.is_open());
    }

    #[test]
    fn several_do_not_probe_at_the_same_moment() {
        let pauses: Vec<_> = About(Duration::from_secs(10)).take(1_000).collect();
        assert!(pauses.iter().all(|pause| (8.0..12.0).contains(&pause.as_secs_f64())));
        assert!(pauses.iter().max() > Some(&Duration::from_secs(11)));
        assert!(pauses.iter().min() < Some(&Duration::from_secs(9)));
    }

    #[test]
    fn it_opens_again_as_at_first() {
        let breaker = opened(Duration::from_secs(30));
        breaker.answers();
        breaker.permit().unwrap().answered();
        (1..FAILURES).for_each(|_| breaker.permit().unwrap().failed());
        assert!(!breaker.is_open());
        breaker.permit().unwrap().failed();
        assert!(breaker.is_open());
    }
}
