use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use mio::Token;

use super::{Arrivals, Load};
use crate::publisher::{Publisher, post};

/// What was published in a while.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    pub events: u64,
    pub took: Duration,
    /// Events that an average stream had still to receive when the last publish was answered.
    pub lag: f64,
    /// Events that the stream furthest behind had still to receive then.
    pub worst_lag: u64,
}

impl Published {
    pub fn per_second(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}

impl Load {
    /// Opens connections that publish `body` to the server at `to`: the one with the streams, or one that shares its log.
    pub fn publishers(
        &mut self,
        to: SocketAddr,
        count: usize,
        topic: &str,
        body: &str,
    ) -> anyhow::Result<()> {
        for _ in 0..count {
            let token = Token(Self::PUBLISHERS + self.publishers.len());
            let registry = self.poll.registry();
            let path = format!("/topics/{topic}/events?type=bench");
            let request = post(to, &path, &["content-type: application/json"], body);
            self.publishers.push(Publisher::open(to, request, registry, token)?);
        }
        Ok(())
    }

    /// Publishes for so long, as fast as it is answered with `in_flight` requests on each connection.
    pub fn publish_for(&mut self, time: Duration, in_flight: u64) -> anyhow::Result<Published> {
        let (start, before) = (Instant::now(), self.answered());
        self.in_flight = in_flight;
        for publisher in &mut self.publishers {
            publisher.fill(in_flight)?;
        }
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.turn(left.min(Duration::from_millis(10)))?;
        }
        self.await_answers()?;
        let events = self.answered() - before;
        let streams = self.streams.len().max(1) as f64;
        let lag = events as f64 - self.received as f64 / streams;
        let slowest = self.streams.iter().map(|stream| stream.tally.received).min();
        let worst_lag = slowest.map_or(0, |received| events.saturating_sub(received));
        Ok(Published { events, took: start.elapsed(), lag, worst_lag })
    }

    /// Publishes on one connection at a fixed rate, whatever the answers do, and measures from when each publish was
    /// due: a server that stalls is charged for everything that waited.
    pub fn publish_at(&mut self, per_second: u32, events: u32) -> anyhow::Result<Arrivals> {
        self.arrivals = Some(Arrivals::new()?);
        let start = Instant::now();
        for n in 0..events {
            let due = start + Duration::from_secs(1) * n / per_second;
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                // A timeout is rounded up to a millisecond, so the last one is spent looking.
                self.turn(left.saturating_sub(Duration::from_millis(1)))?;
            }
            let arrivals = self.arrivals.as_mut().expect("set above");
            arrivals.due(due);
            let publisher = self.publishers.first_mut().expect("the caller opened one");
            publisher.fill(publisher.in_flight() + 1)?;
        }
        self.await_answers()?;
        self.drain(events.into())?;
        Ok(self.arrivals.take().expect("set above"))
    }

    pub(super) fn await_answers(&mut self) -> anyhow::Result<()> {
        self.in_flight = 0;
        let mut moved = (self.answered(), Instant::now());
        while self.publishers.iter().any(|publisher| publisher.in_flight() > 0) {
            self.turn(Duration::from_millis(10))?;
            if self.answered() > moved.0 {
                moved = (self.answered(), Instant::now());
            }
            ensure!(moved.1.elapsed() < Self::PATIENCE, "publishes are not answered");
        }
        Ok(())
    }

    fn answered(&self) -> u64 {
        self.publishers.iter().map(|publisher| publisher.answered).sum()
    }
}
