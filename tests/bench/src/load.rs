use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use mio::{Events, Poll, Token};

use crate::publisher::Publisher;
use crate::stream::Stream;

mod arrivals;
mod publish;
mod push;

pub use arrivals::Arrivals;
pub use publish::Published;

/// Everything a server is loaded with, driven by this one thread.
#[derive(Debug)]
pub struct Load {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    streams: Vec<Stream>,
    publishers: Vec<Publisher>,
    /// Requests that each publisher keeps in flight; 0 while nothing is to be published.
    in_flight: u64,
    /// Events received on all streams.
    received: u64,
    arrivals: Option<Arrivals>,
}

impl Load {
    /// Tokens from here on are publishers'.
    const PUBLISHERS: usize = 1 << 20;
    /// Streams that may open at once; a listener's backlog takes that many.
    const OPENING: usize = 128;
    /// How long nothing may happen before something must be lost.
    const PATIENCE: Duration = Duration::from_secs(20);

    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            address,
            poll: Poll::new()?,
            events: Events::with_capacity(4_096),
            buffer: vec![0; 256 * 1024],
            streams: Vec::new(),
            publishers: Vec::new(),
            in_flight: 0,
            received: 0,
            arrivals: None,
        })
    }

    /// Opens streams until there are `count`, and waits until each has its priming id.
    pub fn open(&mut self, count: usize, topic: impl Fn(usize) -> String) -> anyhow::Result<()> {
        let mut moved_at = Instant::now();
        let mut primed = 0;
        while primed < count {
            let opening = self.streams.len() - primed;
            let more = (count - self.streams.len()).min(Self::OPENING.saturating_sub(opening));
            for _ in 0..more {
                let (number, registry) = (self.streams.len(), self.poll.registry());
                let topic = topic(number);
                self.streams.push(Stream::open(self.address, &topic, registry, Token(number))?);
            }
            self.turn(Duration::from_millis(10))?;
            let behind = self.streams.iter().skip(primed);
            let now_primed = behind.take_while(|stream| stream.tally.last().is_some()).count();
            if now_primed > 0 {
                (primed, moved_at) = (primed + now_primed, Instant::now());
            }
            ensure!(moved_at.elapsed() < Self::PATIENCE, "only {primed} of {count} streams opened");
        }
        Ok(())
    }

    /// Takes what comes in for so long.
    pub fn idle(&mut self, pause: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.turn(left)?;
        }
        Ok(())
    }

    pub fn positions(&self) -> impl Iterator<Item = u64> {
        self.streams.iter().filter_map(|stream| stream.tally.last())
    }

    /// Waits until every stream has received `events`, and checks that it got each once and in order.
    pub fn drain(&mut self, events: u64) -> anyhow::Result<()> {
        let expected = events * self.streams.len() as u64;
        let (mut seen, mut moved_at) = (self.received, Instant::now());
        while self.received < expected && moved_at.elapsed() < Self::PATIENCE {
            self.turn(Duration::from_millis(10))?;
            if self.received > seen {
                (seen, moved_at) = (self.received, Instant::now());
            }
        }
        let total = |count: fn(&Stream) -> u64| self.streams.iter().map(count).sum::<u64>();
        let lost = total(|stream| stream.tally.lost);
        let repeated = total(|stream| stream.tally.repeated);
        let whole = self.streams.iter().filter(|stream| stream.tally.received == events).count();
        if whole < self.streams.len() || lost + repeated > 0 {
            bail!(
                "{whole} of {} streams received all {events} events; {} of {expected} came in all, {lost} were \
                 passed over, {repeated} came twice or late",
                self.streams.len(),
                self.received
            );
        }
        Ok(())
    }

    /// Waits for something to happen, and handles it.
    fn turn(&mut self, timeout: Duration) -> anyhow::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(timeout))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &self.events {
            let Token(token) = event.token();
            if let Some(stream) = self.streams.get_mut(token) {
                let received = stream.read(&mut self.buffer, event.is_read_closed())?;
                self.received += received;
                if let (Some(arrivals), Some(last)) = (&mut self.arrivals, stream.tally.last()) {
                    arrivals.note(last, received);
                }
            } else if let Some(publisher) =
                token.checked_sub(Self::PUBLISHERS).and_then(|n| self.publishers.get_mut(n))
            {
                publisher.read(&mut self.buffer)?;
                publisher.fill(self.in_flight)?;
            }
        }
        Ok(())
    }
}
