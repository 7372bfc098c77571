use std::sync::{Mutex, MutexGuard, PoisonError};

use hookwire_traces::Ended;
use tokio::sync::Notify;

/// Spans that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    spans: Mutex<Spans>,
    /// There is one.
    some: Notify,
    /// There are as many as go out together.
    enough: Notify,
}

#[derive(Debug, Default)]
struct Spans {
    waiting: Vec<Ended>,
    lost: u64,
}

impl Waiting {
    /// Most spans that wait; the standard's default, about a MiB.
    const MOST: usize = 2_048;
    /// Most that go out together; the standard's default.
    pub(crate) const TOGETHER: usize = 512;

    pub(crate) fn push(&self, span: Ended) {
        let mut spans = self.spans();
        if spans.waiting.len() >= Self::MOST {
            spans.lost += 1;
            return;
        }
        spans.waiting.push(span);
        let waiting = spans.waiting.len();
        drop(spans);
        match waiting {
            1 => self.some.notify_one(),
            Self::TOGETHER => self.enough.notify_one(),
            _ => {}
        }
    }

    /// The oldest of them, which wait no more.
    pub(crate) fn take(&self) -> Vec<Ended> {
        let mut spans = self.spans();
        let together = spans.waiting.len().min(Self::TOGETHER);
        spans.waiting.drain(..together).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans().waiting.is_empty()
    }

    /// Notes that so many were thrown away.
    pub(crate) fn lose(&self, spans: usize) {
        self.spans().lost += spans as u64;
    }

    /// How many were thrown away since this was asked last.
    pub(crate) fn take_lost(&self) -> u64 {
        std::mem::take(&mut self.spans().lost)
    }

    /// Waits until there is one.
    pub(crate) async fn some(&self) {
        while self.is_empty() {
            self.some.notified().await;
        }
    }

    /// Waits until there are as many as go out together.
    pub(crate) async fn enough(&self) {
        while self.spans().waiting.len() < Self::TOGETHER {
            self.enough.notified().await;
        }
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use hookwire_event::TraceContext;
    use hookwire_traces::Kind;

    use super::*;

    fn span(id: u64) -> Ended {
        let (start, context) = (SystemTime::now(), TraceContext::root(1, id, true).unwrap());
        let (attributes, failure) = (Vec::new(), None);
        let (name, kind, parent) = ("a", Kind::Client, None);
        Ended { name, kind, context, parent, start, end: start, attributes, failure }
    }

    #[tokio::test]
    async fn what_is_too_much_is_thrown_away_and_counted_and_the_rest_goes_out_in_order() {
        let waiting = Waiting::default();
        let most = u64::try_from(Waiting::MOST).unwrap();
        (1..=most + 10).for_each(|id| waiting.push(span(id)));
        waiting.some().await;
        waiting.enough().await;
        let mut sent = Vec::new();
        while !waiting.is_empty() {
            let together = waiting.take();
            assert!(together.len() <= Waiting::TOGETHER);
            sent.extend(together.into_iter().map(|span| span.context.span_id()));
        }
        assert_eq!(sent, (1..=most).collect::<Vec<_>>());
        waiting.lose(5);
        assert_eq!([waiting.take_lost(), waiting.take_lost()], [15, 0]);
    }
}
