use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::Unavailable;

/// One process of the relay, by a number that it drew at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u64);

impl InstanceId {
    /// Draws a number.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(..))
    }
}

/// An open stream: `<instance>-<n>`, both in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The process that serves it.
    pub instance: InstanceId,
    /// Its number there.
    pub n: u64,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.instance.0, self.n)
    }
}

impl StreamId {
    /// Reads what `Display` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (instance, n) = text.split_once('-')?;
        let hex = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Self { instance: InstanceId(hex(instance)?), n: hex(n)? })
    }
}

/// What happens to the stream that is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The oldest one ends.
    EvictOldest,
    /// The new one is refused.
    RefuseNewest,
}

/// A stream's place among those of its subject. It ends by itself unless it is renewed within the lease time, so that the
/// places of a process that died are free again.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is.
    pub subject: String,
    /// Which stream.
    pub stream: StreamId,
    /// When it was opened, in microseconds by the clock of whoever keeps the leases.
    pub since_us: u64,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lease = f.debug_struct("Lease");
        lease.field("stream", &self.stream).field("since_us", &self.since_us);
        lease.finish_non_exhaustive()
    }
}

/// What became of a stream that was to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It has a place.
    Admitted {
        /// When it got it.
        since_us: u64,
        /// Streams of the asking instance that lost theirs. Those of other instances are in their mailboxes.
        evicted: Vec<StreamId>,
    },
    /// There is none.
    Full {
        /// When the first lease ends, if nobody renews it.
        retry_after: Duration,
    },
}

/// Knows the open streams of every subject on all instances.
#[async_trait]
pub trait Streams: fmt::Debug + Send + Sync + 'static {
    /// Gives `stream` of `subject` a place among `most`, for the time of a `lease`, as one atomic step.
    ///
    /// Leases that have ended count for nothing. With [`Over::EvictOldest`] as many of the oldest as necessary lose their
    /// place, and whoever serves them finds that in [`Streams::evicted`].
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: it may have a place or not; [`Streams::close`] gives it back.
    async fn open(
        &self,
        subject: &str,
        stream: StreamId,
        most: u32,
        over: Over,
        lease: Duration,
    ) -> Result<Opened, Unavailable>;

    /// Renews leases, and answers with the streams that have no place any more.
    ///
    /// A lease that is not there, because it ended or because whoever keeps the leases has lost it, is made anew where
    /// there are less than `most`; where there are not, newer streams have taken its place.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: some may have been renewed.
    async fn renew(
        &self,
        leases: &[Lease],
        most: u32,
        lease: Duration,
    ) -> Result<Vec<StreamId>, Unavailable>;

    /// Gives a place back.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the lease ends by itself.
    async fn close(&self, subject: &str, stream: StreamId) -> Result<(), Unavailable>;

    /// Takes what is in the mailbox of `instance`: streams of it that lost their place to others.
    ///
    /// Each is told once, and may be lost if the answer is; then [`Streams::renew`] tells. Meant to be asked several
    /// times a second. A mailbox that nobody empties for a few leases is thrown away.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    async fn evicted(&self, instance: InstanceId) -> Result<Vec<StreamId>, Unavailable>;
}
