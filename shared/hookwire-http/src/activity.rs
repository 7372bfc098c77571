use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::seats::{BusySeat, Seat};

/// How long a connection may be in a state in which it costs us and does nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) head_within: Duration,
    pub(crate) idle_after: Duration,
    pub(crate) slow_after: Duration,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// It did not say what it wants.
    Head,
    /// It has wanted nothing for long.
    Idle,
    /// It does not take what it asked for.
    Slow,
}

impl Overdue {
    /// Counts a connection that is closed for it.
    pub(crate) fn count(self) {
        let reason = match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Slow => "slow",
        };
        metrics::counter!("hookwire_connections_closed_total", "reason" => reason).increment(1);
    }
}

/// What one connection is doing: its deadlines and its seat depend on it.
#[derive(Debug)]
pub(crate) struct Activity {
    patience: Patience,
    state: Mutex<State>,
    /// Rung when the deadline may have come nearer.
    nearer: Notify,
}

#[derive(Debug)]
struct State {
    /// `None` when the connection was handed off.
    seat: Option<Seat>,
    doing: Doing,
    numbers: u64,
}

#[derive(Debug)]
enum Doing {
    /// No request came so far.
    Opening { since: Instant },
    /// Requests are answered; a stream is one as long as it is open.
    Answering {
        requests: usize,
        multiplexed: bool,
        /// Over HTTP/2, the answers whose next piece the peer gives no window for, and since when.
        held_up: BTreeMap<u64, Instant>,
    },
    /// Everything is answered. `head` is since when the next request's head is coming.
    Idle { since: Instant, multiplexed: bool, head: Option<Instant> },
}

impl Activity {
    /// Smaller writes are no sign that the peer takes an answer's tail: those of HTTP/2 about the connection itself.
    const CONTROL_BYTES: usize = 64;

    pub(crate) fn new(patience: Patience, seat: Seat) -> Arc<Self> {
        let doing = Doing::Opening { since: Instant::now() };
        Arc::new(Self {
            patience,
            state: Mutex::new(State { seat: Some(seat), doing, numbers: 0 }),
            nearer: Notify::new(),
        })
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn overdue(&self) -> Overdue {
        loop {
            let Some((look_at, overdue)) = self.deadline() else {
                self.nearer.notified().await;
                continue;
            };
            if look_at <= Instant::now() {
                return overdue;
            }
            // Which of both it was does not matter: the deadline may have moved away, too.
            let _elapsed = timeout_at(look_at, self.nearer.notified()).await;
        }
    }

    fn deadline(&self) -> Option<(Instant, Overdue)> {
        let Patience { head_within, idle_after, slow_after } = self.patience;
        match &self.state().doing {
            Doing::Opening { since } | Doing::Idle { head: Some(since), .. } => {
                Some((*since + head_within, Overdue::Head))
            }
            Doing::Idle { since, head: None, .. } => Some((*since + idle_after, Overdue::Idle)),
            Doing::Answering { multiplexed: false, .. } => None,
            Doing::Answering { held_up, .. } => {
                // Nobody rings for every piece of every answer, so they are looked at now and then.
                let look_at = Instant::now() + slow_after / 4;
                let first = held_up.values().min().map(|since| *since + slow_after);
                Some((first.map_or(look_at, |first| first.min(look_at)), Overdue::Slow))
            }
        }
    }

    /// Lets an idle connection be idle once more, for its orderly end.
    pub(crate) fn once_more(&self) {
        if let Doing::Idle { since, .. } = &mut self.state().doing {
            *since = Instant::now();
        }
    }

    /// Notes that something was read.
    pub(crate) fn read(&self) {
        // Over HTTP/2 it need not be a head: pings are answered on idle connections, too.
        if let Doing::Idle { multiplexed: false, head: head @ None, .. } = &mut self.state().doing {
            *head = Some(Instant::now());
            self.nearer.notify_one();
        }
    }

    /// Notes that the peer takes what is written, such as the tail of an answer that is too large for its buffers.
    pub(crate) fn wrote(&self, bytes: usize) {
        if bytes <= Self::CONTROL_BYTES {
            return;
        }
        if let Doing::Idle { since, .. } = &mut self.state().doing {
            *since = Instant::now();
        }
    }

    /// Notes a request, which is being answered as long as what is returned lives.
    pub(crate) fn asked(self: &Arc<Self>, multiplexed: bool) -> Asked {
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        if let Doing::Answering { requests, .. } = &mut state.doing {
            *requests += 1;
        } else {
            let held_up = BTreeMap::new();
            state.doing = Doing::Answering { requests: 1, multiplexed, held_up };
            state.seat.iter_mut().for_each(Seat::busy);
            if multiplexed {
                self.nearer.notify_one();
            }
        }
        Asked { activity: Arc::clone(self), number }
    }

    /// Takes the connection's seat, to hand both off.
    pub(crate) fn leave_seat(&self) -> Option<BusySeat> {
        self.state().seat.take()?.busy_for_good()
    }

    fn held_up(&self, number: u64, since: Option<Instant>) {
        let Doing::Answering { held_up, multiplexed: true, .. } = &mut self.state().doing else {
            return;
        };
        match since {
            Some(since) => held_up.insert(number, since),
            None => held_up.remove(&number),
        };
    }

    fn answered(&self, number: u64) {
        let mut state = self.state();
        let Doing::Answering { requests, multiplexed, held_up } = &mut state.doing else { return };
        held_up.remove(&number);
        *requests -= 1;
        if *requests == 0 {
            let multiplexed = *multiplexed;
            state.doing = Doing::Idle { since: Instant::now(), multiplexed, head: None };
            state.seat.iter_mut().for_each(Seat::idle);
            self.nearer.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that is being answered.
#[derive(Debug)]
pub(crate) struct Asked {
    activity: Arc<Activity>,
    number: u64,
}

impl Asked {
    /// Goes on for as long as the body of the answer is there.
    pub(crate) fn with(self, body: axum::body::Body) -> Answer {
        if !body.is_end_stream() {
            self.activity.held_up(self.number, Some(Instant::now()));
        }
        Answer { body, asked: self }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.activity.answered(self.number);
    }
}

/// A response body that its connection knows about.
#[derive(Debug)]
pub(crate) struct Answer {
    body: axum::body::Body,
    asked: Asked,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        // Over HTTP/2 the next piece is asked for when there is a window for it: from a piece handed over until then it
        // is the peer that is waited for, and after a `Pending` it is us.
        let since = polled.is_ready().then(Instant::now);
        self.asked.activity.held_up(self.asked.number, since);
        Poll::Ready(ready!(polled))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
