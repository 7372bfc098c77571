use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use mio::{Events, Poll, Token};

use crate::dialect::{Dialect, Start};
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
    dialect: Dialect,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    streams: Vec<Stream>,
    publishers: Vec<Publisher>,
    /// Requests that each publisher keeps in flight; 0 while nothing is to be published.
    in_flight: u64,
    /// Events received on all streams.
    received: u64,
    /// Streams that each event goes to; all when not set.
    followers: Option<usize>,
    /// Bytes that the kernel keeps for streams to read, where it does not choose itself.
    receive_buffer: Option<usize>,
    arrivals: Option<Arrivals>,
}

impl Load {
    /// Tokens from here on are publishers'.
    const PUBLISHERS: usize = 1 << 20;
    /// Streams that may open at once; a listener's backlog takes that many.
    const OPENING: usize = 128;
    /// Events that an average stream may be behind while more are published. Who answers publishes long before it hands
    /// them out would otherwise be measured by how much it can keep for later, and not by what it delivers.
    const MAX_LAG: f64 = 2_000.0;
    /// How long nothing may happen before something must be lost.
    const PATIENCE: Duration = Duration::from_secs(20);

    pub fn new(address: SocketAddr, dialect: Dialect) -> anyhow::Result<Self> {
        Ok(Self {
            address,
            dialect,
            poll: Poll::new()?,
            events: Events::with_capacity(4_096),
            buffer: vec![0; 256 * 1024],
            streams: Vec::new(),
            publishers: Vec::new(),
            in_flight: 0,
            received: 0,
            followers: None,
            receive_buffer: None,
            arrivals: None,
        })
    }

    /// Opens streams until there are `count`, each from now on, and waits until each has its priming id.
    pub fn open(&mut self, count: usize, topic: impl Fn(usize) -> String) -> anyhow::Result<()> {
        let (dialect, address) = (self.dialect, self.address);
        self.open_with(count, |n| dialect.follow(address, &topic(n), Start::Live, &[]))
    }

    /// Opens streams by these requests until there are `count`, and waits until each has its priming id.
    pub fn open_with(
        &mut self,
        count: usize,
        request: impl Fn(usize) -> Vec<u8>,
    ) -> anyhow::Result<()> {
        let mut moved_at = Instant::now();
        let mut primed = self.streams.len();
        while primed < count {
            let opening = self.streams.len() - primed;
            let more = (count - self.streams.len()).min(Self::OPENING.saturating_sub(opening));
            for _ in 0..more {
                let (number, registry) = (self.streams.len(), self.poll.registry());
                let (tally, token) = (self.dialect.tally(), Token(number));
                let socket = Stream::connect(self.address, number, self.receive_buffer)?;
                let stream = Stream::open(socket, &request(number), tally, registry, token)?;
                self.streams.push(stream);
            }
            self.turn(Duration::from_millis(10))?;
            let behind = self.streams.iter().skip(primed);
            let now_primed = behind.take_while(|stream| stream.is_primed()).count();
            if now_primed > 0 {
                (primed, moved_at) = (primed + now_primed, Instant::now());
            }
            ensure!(moved_at.elapsed() < Self::PATIENCE, "only {primed} of {count} streams opened");
        }
        Ok(())
    }

    /// How many bytes the kernel keeps for each stream that is opened from here on.
    pub fn receive_buffer(&mut self, bytes: usize) {
        self.receive_buffer = Some(bytes);
    }

    /// Reads nothing more from any stream.
    pub fn mute(&mut self) -> anyhow::Result<()> {
        let registry = self.poll.registry();
        self.streams.iter_mut().try_for_each(|stream| stream.mute(registry))
    }

    /// Reads streams again.
    pub fn unmute(&mut self) -> anyhow::Result<()> {
        let registry = self.poll.registry();
        let mut streams = self.streams.iter_mut().enumerate();
        streams.try_for_each(|(number, stream)| stream.unmute(registry, Token(number)))
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

    /// What each stream would send to resume.
    pub fn cursors(&self) -> impl Iterator<Item = String> {
        self.streams.iter().map(|stream| stream.tally.cursor())
    }

    /// Bytes received on all streams.
    pub fn stream_bytes(&self) -> u64 {
        self.streams.iter().map(|stream| stream.bytes).sum()
    }

    /// Waits for the first event of all.
    pub fn await_first(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.received == 0 {
            self.turn(Duration::from_millis(10))?;
            ensure!(start.elapsed() < Self::PATIENCE, "no event has come");
        }
        Ok(())
    }

    /// Waits until every stream has received `events`, and checks that it got each once and in order.
    pub fn drain(&mut self, events: u64) -> anyhow::Result<()> {
        self.drain_each(&vec![events; self.streams.len()])
    }

    /// Waits until every stream has received as many events as it is due, each once and in order.
    pub fn drain_each(&mut self, due: &[u64]) -> anyhow::Result<()> {
        let expected = due.iter().sum::<u64>();
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
        let both = self.streams.iter().zip(due);
        let whole = both.filter(|(stream, due)| stream.tally.received == **due).count();
        if whole < self.streams.len() || lost + repeated > 0 {
            bail!(
                "{whole} of {} streams received all their events; {} of {expected} came in all, {lost} were passed \
                 over, {repeated} came twice or late",
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
