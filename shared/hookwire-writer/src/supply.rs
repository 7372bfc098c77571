use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use hookwire_hub::Feed;

/// What one socket is given.
pub trait Supply: Send + Sized + 'static {
    /// What goes out next, without waiting. It is asked whenever the socket has taken what was given before: when a topic's
    /// bell rings, when it is woken, and at the time that it named last.
    fn next(&mut self, now: Instant) -> Next;

    /// Waits for what goes out next, framed, where that has to be waited for; nothing when [`Self::next`] can tell again.
    fn fetch(self: Box<Self>) -> impl Future<Output = (Box<Self>, Bytes)> + Send;

    /// Whose bells it is to hear.
    fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>>;

    /// Takes what wakes it beside bells, if it needs that; it wakes for one [`Self::next`] and then is taken anew.
    fn wake_by(&mut self, waker: impl FnOnce() -> Waker);

    /// Is told that the socket took nothing for too long, and is closed.
    fn stalled(&mut self);
}

/// What goes out next.
#[derive(Debug)]
pub enum Next {
    /// This, framed as it goes over the wire.
    Bytes(Bytes),
    /// Nothing, at least not before then or before a bell rings.
    Nothing {
        /// When to ask again at the latest.
        until: Instant,
    },
    /// What [`Supply::fetch`] returns.
    Fetch,
    /// Nothing any more.
    End,
}
