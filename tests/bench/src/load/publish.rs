use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use mio::Token;

use super::{Arrivals, Load};
use crate::publisher::Publisher;
use crate::template::Template;

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
    /// Opens connections that publish events of so many bytes to the server at `to`: the one with the streams, or one
    /// that shares its log.
    pub fn publishers(
        &mut self,
        to: SocketAddr,
        count: usize,
        topic: &str,
        bytes: usize,
    ) -> anyhow::Result<()> {
        let dialect = self.dialect;
        self.senders(to, count, |publisher| Ok(dialect.publish(to, topic, publisher, bytes)))
    }

    /// Opens connections that send what these templates write.
    pub fn senders(
        &mut self,
        to: SocketAddr,
        count: usize,
        template: impl Fn(usize) -> anyhow::Result<Template>,
    ) -> anyhow::Result<()> {
        for sender in 0..count {
            let token = Token(Self::PUBLISHERS + self.publishers.len());
            let registry = self.poll.registry();
            self.publishers.push(Publisher::open(to, template(sender)?, registry, token)?);
        }
        Ok(())
    }

    /// Opens connections that each send one request after the other to one of so many topics after the other, which
    /// is the number in the template.
    pub fn spread_senders(
        &mut self,
        to: SocketAddr,
        count: usize,
        topics: usize,
        template: impl Fn(usize) -> anyhow::Result<Template>,
    ) -> anyhow::Result<()> {
        self.followers = Some(1);
        self.senders(to, count, |sender| {
            Ok(template(sender)?.counting(sender as u64, count as u64, topics as u64))
        })
    }

    /// Events that each of so many topics was sent by [`Self::spread_senders`].
    pub fn due(&self, topics: usize) -> Vec<u64> {
        let mut due = vec![0; topics];
        for (sender, publisher) in self.publishers.iter().enumerate() {
            let numbers = (sender..).step_by(self.publishers.len()).map(|number| number % topics);
            let answered = usize::try_from(publisher.answered).unwrap_or(usize::MAX);
            numbers.take(answered).for_each(|topic| due[topic] += 1);
        }
        due
    }

    /// Publishes for so long, as fast as it is answered with `in_flight` requests on each connection, and pauses while an
    /// average stream is [`Self::MAX_LAG`] events behind.
    pub fn publish_for(&mut self, time: Duration, in_flight: u64) -> anyhow::Result<Published> {
        let (start, before) = (Instant::now(), self.answered());
        self.in_flight = in_flight;
        for publisher in &mut self.publishers {
            publisher.fill(in_flight)?;
        }
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.turn(left.min(Duration::from_millis(10)))?;
            let is_behind = self.lag() > Self::MAX_LAG;
            if is_behind {
                self.in_flight = 0;
            } else if self.in_flight == 0 {
                self.in_flight = in_flight;
                self.publishers.iter_mut().try_for_each(|publisher| publisher.fill(in_flight))?;
            }
        }
        self.await_answers()?;
        let events = self.answered() - before;
        let lag = self.lag();
        let slowest = self.streams.iter().map(|stream| stream.tally.received).min();
        let worst_lag = slowest.map_or(0, |received| events.saturating_sub(received));
        Ok(Published { events, took: start.elapsed(), lag, worst_lag })
    }

    /// Publishes so many events in all, shared among the connections.
    pub fn publish_events(&mut self, events: u64, in_flight: u64) -> anyhow::Result<()> {
        let (before, count) = (self.answered(), self.publishers.len() as u64);
        self.in_flight = in_flight;
        for (place, publisher) in (0..).zip(&mut self.publishers) {
            let share = events / count + u64::from(place < events % count);
            publisher.limit(share);
            publisher.fill(in_flight)?;
        }
        let mut moved = (before, Instant::now());
        while self.answered() < before + events {
            self.turn(Duration::from_millis(10))?;
            if self.answered() > moved.0 {
                moved = (self.answered(), Instant::now());
            }
            ensure!(moved.1.elapsed() < Self::PATIENCE, "publishes are not answered");
        }
        self.in_flight = 0;
        Ok(())
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

    /// Events that an average stream has still to receive of those that were answered.
    fn lag(&self) -> f64 {
        let streams = self.streams.len();
        let due = self.answered() * self.followers.unwrap_or(streams) as u64;
        due.saturating_sub(self.received) as f64 / streams.max(1) as f64
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
