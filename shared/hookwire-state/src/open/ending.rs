use std::sync::OnceLock;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::Ended;

/// Whether a stream has to end before its time, and who is told when it has to.
#[derive(Debug, Default)]
pub(super) struct Ending {
    why: OnceLock<Ended>,
    waits: AtomicWaker,
}

impl Ending {
    /// Tells that it has to; the first reason stays.
    pub(super) fn tell(&self, why: Ended) {
        if self.why.set(why).is_ok() {
            self.waits.wake();
        }
    }

    pub(super) fn why(&self) -> Option<Ended> {
        self.why.get().copied()
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Ended> {
        // Before the look, or a reason told in between would wake nobody.
        self.waits.register(cx.waker());
        self.why().map_or(Poll::Pending, Poll::Ready)
    }
}
