//! What is true of every implementation, whatever keeps it. Each function panics with what does not hold.
//!
//! `hookwire_state::conformance!` makes tests of them all. Names are drawn anew for each run, so that they may share a
//! server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "it runs in tests, which panic when something does not hold"
)]

use std::time::Duration;

use crate::{
    Cursors, InstanceId, Lease, MOST_CLIENTS, Mark, Opened, Over, Revocation, Revocations, Revoke,
    StreamId, Streams, Tickets, Unavailable,
};

/// Long enough that no lease ends while a test runs.
const LEASE: Duration = Duration::from_secs(60);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

fn name() -> String {
    format!("user-{:x}@example.com", fastrand::u64(..))
}

fn ok<T>(answer: Result<T, Unavailable>) -> T {
    answer.expect("it answers")
}

fn stream(instance: InstanceId, n: u64) -> StreamId {
    StreamId { instance, n }
}

async fn admit(
    streams: &dyn Streams,
    subject: &str,
    id: StreamId,
    most: u32,
    lease: Duration,
) -> (u64, Vec<StreamId>) {
    match ok(streams.open(subject, id, most, Over::EvictOldest, lease).await) {
        Opened::Admitted { since_us, evicted } => (since_us, evicted),
        Opened::Full { .. } => panic!("nobody is refused when the oldest is evicted"),
    }
}

async fn refused(
    streams: &dyn Streams,
    subject: &str,
    id: StreamId,
    most: u32,
) -> Option<Duration> {
    match ok(streams.open(subject, id, most, Over::RefuseNewest, LEASE).await) {
        Opened::Admitted { .. } => None,
        Opened::Full { retry_after } => Some(retry_after),
    }
}

/// Streams over the most cost the oldest its place, each time the oldest, and its instance is told once.
pub async fn the_oldest_stream_is_evicted_and_its_instance_is_told(streams: &dyn Streams) {
    let (subject, [here, there]) = (name(), [InstanceId::random(), InstanceId::random()]);
    for n in 0..3 {
        assert_eq!(admit(streams, &subject, stream(here, n), 3, LEASE).await.1, []);
    }
    assert_eq!(admit(streams, &subject, stream(there, 0), 3, LEASE).await.1, []);
    assert_eq!(ok(streams.evicted(there).await), []);
    assert_eq!(ok(streams.evicted(here).await), [stream(here, 0)]);
    assert_eq!(ok(streams.evicted(here).await), [], "told once");
    let (_, own) = admit(streams, &subject, stream(here, 3), 3, LEASE).await;
    assert_eq!(own, [stream(here, 1)], "its own it is told at once");
    assert_eq!(ok(streams.evicted(here).await), []);
    admit(streams, &name(), stream(there, 1), 3, LEASE).await;
    assert_eq!(ok(streams.evicted(here).await), [], "another subject has places of its own");
    // Fewer places than before: all that are too many go at once.
    let (_, own) = admit(streams, &subject, stream(here, 4), 1, LEASE).await;
    assert_eq!(own, [stream(here, 2), stream(here, 3)]);
    assert_eq!(ok(streams.evicted(there).await), [stream(there, 0)]);
}

/// In the other mode nobody loses a place, and a place that was given back is free.
pub async fn the_newest_stream_is_refused_until_a_place_is_given_back(streams: &dyn Streams) {
    let (subject, here) = (name(), InstanceId::random());
    for n in 0..3 {
        assert_eq!(refused(streams, &subject, stream(here, n), 3).await, None);
    }
    let wait = refused(streams, &subject, stream(here, 3), 3).await;
    assert!(wait.is_some_and(|wait| wait > Duration::ZERO && wait <= LEASE), "{wait:?}");
    ok(streams.close(&subject, stream(here, 1)).await);
    ok(streams.close(&subject, stream(here, 1)).await);
    assert_eq!(refused(streams, &subject, stream(here, 4), 3).await, None);
    assert!(refused(streams, &subject, stream(here, 5), 3).await.is_some());
    assert_eq!(ok(streams.evicted(here).await), []);
}

/// The places of a process that does not renew them any more are free after the lease time.
pub async fn a_lease_that_nobody_renews_ends(streams: &dyn Streams) {
    let (subject, [dead, here]) = (name(), [InstanceId::random(), InstanceId::random()]);
    for n in 0..3 {
        admit(streams, &subject, stream(dead, n), 3, SHORT).await;
    }
    tokio::time::sleep(SHORT * 2).await;
    for n in 0..3 {
        assert_eq!(refused(streams, &subject, stream(here, n), 3).await, None);
    }
    assert_eq!(ok(streams.evicted(dead).await), [], "what has ended is not evicted");
}

/// A renewal keeps a place, makes one anew that was lost, and tells of one that others have taken.
pub async fn a_renewal_keeps_a_place_or_tells_that_it_is_gone(streams: &dyn Streams) {
    let (subject, here) = (name(), InstanceId::random());
    let (since_us, _) = admit(streams, &subject, stream(here, 0), 2, LEASE).await;
    let old = Lease { subject: subject.clone(), stream: stream(here, 0), since_us };
    assert_eq!(ok(streams.renew(&[], 2, LEASE).await), []);
    assert_eq!(ok(streams.renew(std::slice::from_ref(&old), 2, LEASE).await), []);
    ok(streams.close(&subject, stream(here, 0)).await);
    admit(streams, &subject, stream(here, 1), 2, LEASE).await;
    assert_eq!(ok(streams.renew(std::slice::from_ref(&old), 2, LEASE).await), [], "made anew");
    let (_, own) = admit(streams, &subject, stream(here, 2), 2, LEASE).await;
    assert_eq!(own, [stream(here, 0)], "it is as old as it was");
    assert_eq!(ok(streams.renew(&[old], 2, LEASE).await), [stream(here, 0)]);
}

/// A ticket is spent once, by whoever comes first.
pub async fn a_ticket_is_spent_once(tickets: &dyn Tickets) {
    let (one, other) = (name(), name());
    let all = [one.as_str(); 8].map(|ticket| tickets.spend(ticket, LEASE));
    let mut spent = 0;
    for answer in join(all).await {
        spent += usize::from(ok(answer));
    }
    assert_eq!(spent, 1);
    assert!(ok(tickets.spend(&other, LEASE).await));
}

/// A cursor is found by whoever left it, and by nobody else.
pub async fn a_cursor_belongs_to_its_subject_and_client(cursors: &dyn Cursors) {
    let [one, other] = [name(), name()];
    ok(cursors.put(&one, "phone", "1-1").await);
    ok(cursors.put(&one, "desk", "1-2").await);
    ok(cursors.put(&one, "phone", "1-3").await);
    let mut found = Vec::new();
    for (subject, client) in [(&one, "phone"), (&one, "desk"), (&one, "car"), (&other, "phone")] {
        found.push(ok(cursors.get(subject, client).await));
    }
    assert_eq!(found, [Some("1-3".to_owned()), Some("1-2".to_owned()), None, None]);
    // However the two are put together, they stay apart.
    ok(cursors.put("a", "b:c", "2-1").await);
    assert_eq!(ok(cursors.get("a:b", "c").await), None);
}

/// Whoever makes up names of clients pushes out the oldest of them, and nothing of anybody else.
pub async fn a_subject_with_too_many_clients_loses_its_own_oldest_cursor_and_nobody_elses(
    cursors: &dyn Cursors,
) {
    let [greedy, other] = [name(), name()];
    ok(cursors.put(&other, "phone", "1-1").await);
    let client = |n: usize| format!("client-{n}");
    for n in 0..MOST_CLIENTS {
        ok(cursors.put(&greedy, &client(n), "1-1").await);
    }
    // The first one is not the oldest any more, and takes no second place.
    ok(cursors.put(&greedy, &client(0), "1-2").await);
    for n in 0..MOST_CLIENTS {
        assert!(
            ok(cursors.get(&greedy, &client(n)).await).is_some(),
            "client {n} of {MOST_CLIENTS}"
        );
    }
    for n in MOST_CLIENTS..MOST_CLIENTS + 2 {
        ok(cursors.put(&greedy, &client(n), "1-3").await);
    }
    for n in 0..MOST_CLIENTS + 2 {
        let is_kept = ok(cursors.get(&greedy, &client(n)).await).is_some();
        assert_eq!(is_kept, n != 1 && n != 2, "client {n}");
    }
    assert_eq!(ok(cursors.get(&other, "phone").await).as_deref(), Some("1-1"));
}

/// Revocations are told in their order, to everybody, each once behind a mark.
pub async fn revocations_are_told_in_order_behind_a_mark(revocations: &dyn Revocations) {
    let mut mark = Mark::default();
    while !read(revocations, &mut mark).await.is_empty() {}
    let before = mark.clone();
    let [one, two] = [Revoke::Subject(format!("acme\0{}", name())), Revoke::Token(name())];
    let [one, two] = [(one, 1_000), (two, 2_000)].map(|(of, at_ms)| Revocation { of, at_ms });
    ok(revocations.revoke(&one).await);
    assert_eq!(read(revocations, &mut mark).await.as_slice(), std::slice::from_ref(&one));
    ok(revocations.revoke(&two).await);
    assert_eq!(read(revocations, &mut mark).await.as_slice(), std::slice::from_ref(&two));
    assert_eq!(read(revocations, &mut mark).await, []);
    let mut from_before = before;
    assert_eq!(read(revocations, &mut from_before).await, [one, two]);
}

/// Checks every promise in turn, where making a server takes too long for a test each.
pub async fn every_promise(state: &(impl Streams + Tickets + Cursors + Revocations)) {
    the_oldest_stream_is_evicted_and_its_instance_is_told(state).await;
    the_newest_stream_is_refused_until_a_place_is_given_back(state).await;
    a_lease_that_nobody_renews_ends(state).await;
    a_renewal_keeps_a_place_or_tells_that_it_is_gone(state).await;
    a_ticket_is_spent_once(state).await;
    a_cursor_belongs_to_its_subject_and_client(state).await;
    a_subject_with_too_many_clients_loses_its_own_oldest_cursor_and_nobody_elses(state).await;
    revocations_are_told_in_order_behind_a_mark(state).await;
}

async fn read(revocations: &dyn Revocations, mark: &mut Mark) -> Vec<Revocation> {
    let (page, next) = ok(revocations.after(mark).await);
    *mark = next;
    page
}

async fn join<F: Future, const N: usize>(all: [F; N]) -> Vec<F::Output> {
    let mut done: [Option<F::Output>; N] = std::array::from_fn(|_| None);
    let mut all = all.map(Box::pin);
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Makes a test of each promise; the expression is evaluated in an async function and gives a value that implements the
/// ports.
#[macro_export]
macro_rules! conformance {
    ($state:expr) => {
        $crate::conformance!(@tests $state;
            the_oldest_stream_is_evicted_and_its_instance_is_told
            the_newest_stream_is_refused_until_a_place_is_given_back
            a_lease_that_nobody_renews_ends
            a_renewal_keeps_a_place_or_tells_that_it_is_gone
            a_ticket_is_spent_once
            a_cursor_belongs_to_its_subject_and_client
            a_subject_with_too_many_clients_loses_its_own_oldest_cursor_and_nobody_elses
            revocations_are_told_in_order_behind_a_mark
        );
    };
    (@tests $state:expr; $($promise:ident)*) => { $(
        #[tokio::test]
        async fn $promise() {
            let state = $state;
            $crate::conformance::$promise(&state).await;
        }
    )* };
}
