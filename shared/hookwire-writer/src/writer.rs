use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hookwire_http::Handed;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;
use tokio::io::unix::AsyncFd;

use crate::LAST_CHUNK;
use crate::connection::{Connection, Wrote};
use crate::door::{Slot, SlotWaker, Word};
use crate::supply::{Next, Supply};
use crate::timers::{Tick, Timers};
use crate::topics::Topics;
use crate::writers::{Came, Entrance};

/// One task's connections.
pub(crate) struct Writer<S> {
    entrance: Arc<Entrance<S>>,
    /// What the system is asked for many sockets at once; it is itself one of those that the runtime asks for.
    sockets: AsyncFd<Poll>,
    registry: Registry,
    slow_after: Duration,
    connections: Slab<Connection<S>>,
    serials: u32,
    topics: Topics,
    timers: Timers,
    /// Those that are to be closed. Not at once, since a list of followers may be walked.
    gone: Vec<usize>,
    /// When this turn began: a clock for every connection would cost as much as finding what it is given.
    now: Instant,
}

impl<S: Supply> Writer<S> {
    /// What sockets say that is taken at once.
    const EVENTS: usize = 1_024;
    /// How long it keeps other tasks from its thread: they wait for that, and what they append meanwhile goes out later.
    const AT_ONCE: Duration = Duration::from_millis(20);
    /// After how many connections it looks how long it has.
    const CLOCK_EVERY: usize = 64;

    pub(crate) fn new(entrance: Arc<Entrance<S>>, slow_after: Duration) -> io::Result<Self> {
        let topics = Topics::new(Arc::clone(&entrance.door));
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        #[expect(
            deprecated,
            reason = "the other way is unsafe, and a poll's descriptor is its own"
        )]
        let sockets = AsyncFd::with_interest(poll, tokio::io::Interest::READABLE)?;
        Ok(Self {
            entrance,
            sockets,
            registry,
            slow_after,
            connections: Slab::new(),
            serials: 0,
            topics,
            timers: Timers::new(),
            gone: Vec::new(),
            now: Instant::now(),
        })
    }

    /// Serves until it is needed no more.
    pub(crate) async fn run(mut self) {
        let mut events = Events::with_capacity(Self::EVENTS);
        loop {
            self.wait(&mut events).await;
            self.now = Instant::now();
            for event in &events {
                self.ready(event);
            }
            let word = self.come_to_the_door();
            self.walk(word.rung).await;
            for slot in word.woken {
                if self.connection(slot).is_some() {
                    self.arm(slot);
                    self.serve(slot.key);
                }
            }
            if word.all || word.cut {
                let keys: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
                for key in keys {
                    if word.cut { self.is_gone(key) } else { self.serve(key) }
                }
            }
            if word.done {
                return;
            }
            self.look_at_the_clock();
            self.close_those_gone();
        }
    }

    /// Waits until there is something to do, and takes what the sockets say.
    async fn wait(&mut self, events: &mut Events) {
        events.clear();
        let now = Instant::now();
        let next = self.timers.next(now).map(|wait| tokio::time::Instant::from_std(now + wait));
        let up = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.entrance.door.called() => {
                // Whoever published is not alone: what the other tasks append first goes out in the same write.
                tokio::task::yield_now().await;
            }
            ready = self.sockets.readable_mut() => match ready {
                Ok(mut ready) => {
                    let polled = ready.get_inner_mut().poll(events, Some(Duration::ZERO));
                    // What there was no room for is taken next.
                    if polled.is_ok() && events.iter().count() < Self::EVENTS {
                        ready.clear_ready();
                    }
                }
                // The runtime ends, and this task with it.
                Err(_ends) => std::future::pending().await,
            },
            () = up => {}
        }
    }

    /// Looks after those who follow the topics that rang.
    async fn walk(&mut self, rung: Vec<usize>) {
        let mut served = 0_usize;
        for topic in rung {
            for index in 0..self.topics.rang(topic) {
                let Some(slot) = self.topics.follower(topic, index) else { continue };
                if self.connection(slot).is_some() {
                    self.serve(slot.key);
                }
                served += 1;
                if served.is_multiple_of(Self::CLOCK_EVERY) && self.now.elapsed() > Self::AT_ONCE {
                    tokio::task::yield_now().await;
                    self.now = Instant::now();
                }
            }
        }
    }

    fn ready(&mut self, event: &Event) {
        let Token(key) = event.token();
        let Some(connection) = self.connections.get_mut(key) else { return };
        let reads = event.is_readable() || event.is_read_closed() || event.is_error();
        if reads && !connection.is_there() {
            return self.is_gone(key);
        }
        if event.is_writable() && std::mem::take(&mut connection.full) {
            self.serve(key);
        }
    }

    /// Takes what came, and word that was left.
    fn come_to_the_door(&mut self) -> Word {
        let (came, word) = self.entrance.take();
        for came in came {
            match came {
                Came::New(handed, supply, first) => self.take(handed, supply, first),
                Came::Back(slot, supply, bytes) => match self.connection(slot) {
                    Some(connection) => {
                        connection.give(bytes);
                        connection.supply = Some(supply);
                        self.arm(slot);
                        self.serve(slot.key);
                    }
                    None => self.leave(&*supply),
                },
            }
        }
        word
    }

    fn take(&mut self, handed: Handed, supply: Box<S>, first: Bytes) {
        let Handed { socket, kept } = handed;
        self.serials = self.serials.wrapping_add(1);
        let entry = self.connections.vacant_entry();
        let slot = Slot { key: entry.key(), serial: self.serials };
        let mut socket = TcpStream::from_std(socket);
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.registry.register(&mut socket, Token(slot.key), both) {
            tracing::debug!(%error, "a stream could not be served");
            return;
        }
        supply.feeds().for_each(|feed| self.topics.follow(feed, slot));
        entry.insert(Connection::new(socket, slot.serial, kept, supply)).give(first);
        self.arm(slot);
        self.serve(slot.key);
    }

    fn arm(&mut self, slot: Slot) {
        let door = Arc::clone(&self.entrance.door);
        if let Some(supply) = self.connection(slot).and_then(|one| one.supply.as_mut()) {
            supply.wake_by(|| Arc::new(SlotWaker { door, slot }).into());
        }
    }

    /// Gives a socket what there is, until it takes no more.
    fn serve(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.gone || connection.full {
            return;
        }
        loop {
            match connection.write(self.now) {
                Wrote::All if connection.ended => {
                    // The peer has everything before it hears of the end; how it takes that is its business.
                    drop(connection.socket.shutdown(Shutdown::Write));
                    return self.is_gone(key);
                }
                Wrote::All => {}
                Wrote::Some => {
                    let since = connection.blocked.unwrap_or(self.now);
                    let until = self.timers.tick(since + self.slow_after);
                    return self.look_again(key, until);
                }
                Wrote::Broken => return self.is_gone(key),
            }
            let Some(supply) = &mut connection.supply else { return };
            match supply.next(self.now) {
                Next::Bytes(bytes) => connection.give(bytes),
                Next::Nothing { until } => {
                    let until = self.timers.tick(until);
                    return self.look_again(key, until);
                }
                Next::Fetch => {
                    connection.due = Tick::MAX;
                    let slot = Slot { key, serial: connection.serial };
                    let Some(supply) = connection.supply.take() else { return };
                    let entrance = Arc::clone(&self.entrance);
                    tokio::spawn(async move {
                        let (supply, bytes) = supply.fetch().await;
                        entrance.bring(Came::Back(slot, supply, bytes));
                    });
                    return;
                }
                Next::End => {
                    connection.give(LAST_CHUNK);
                    connection.ended = true;
                }
            }
        }
    }

    fn look_again(&mut self, key: usize, due: Tick) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.due = due;
        if due < connection.noted {
            connection.noted = due;
            self.timers.add(due, Slot { key, serial: connection.serial });
        }
    }

    fn look_at_the_clock(&mut self) {
        let current = self.timers.tick(self.now);
        while let Some((tick, slot)) = self.timers.due(self.now) {
            let Some(connection) = self.connection(slot) else { continue };
            // Another entry has taken the place of this one.
            if connection.noted != tick {
                continue;
            }
            connection.noted = Tick::MAX;
            if connection.due >= current {
                let due = connection.due;
                if due < Tick::MAX {
                    self.look_again(slot.key, due);
                }
            } else if connection.blocked.is_some() {
                self.give_up(slot.key);
            } else {
                self.serve(slot.key);
            }
        }
    }

    /// Closes a connection whose peer takes nothing.
    fn give_up(&mut self, key: usize) {
        metrics::counter!("hookwire_connections_closed_total", "reason" => "slow").increment(1);
        if let Some(supply) = self.connections.get_mut(key).and_then(|one| one.supply.as_mut()) {
            supply.stalled();
        }
        self.is_gone(key);
    }

    fn is_gone(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key)
            && !std::mem::replace(&mut connection.gone, true)
        {
            self.gone.push(key);
        }
    }

    fn close_those_gone(&mut self) {
        while let Some(key) = self.gone.pop() {
            // What a task fetches for it leaves when it comes back.
            if let Some(supply) = self.connections.remove(key).supply {
                self.leave(&*supply);
            }
        }
    }

    fn leave(&mut self, supply: &S) {
        let (connections, topics) = (&self.connections, &mut self.topics);
        let is_there =
            |slot: Slot| connections.get(slot.key).is_some_and(|one| one.serial == slot.serial);
        supply.feeds().for_each(|feed| topics.leave(feed, is_there));
    }

    fn connection(&mut self, slot: Slot) -> Option<&mut Connection<S>> {
        self.connections.get_mut(slot.key).filter(|one| one.serial == slot.serial)
    }
}
