//! Streams whose places are asked for while what is shared is slow or away.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookwire_state::{
    Ended, Holder, InstanceId, Lease, MemoryState, OpenStreams, Opened, Over, Place, StreamId,
    Streams, StreamsConfig, Unavailable,
};
use tokio::time::{sleep, timeout};

const CONFIG: StreamsConfig = StreamsConfig {
    most: 3,
    over: Over::EvictOldest,
    lease: Duration::from_secs(30),
    longest_token: Duration::from_hours(24),
    leeway: Duration::ZERO,
};
const SECOND: Duration = Duration::from_secs(1);

/// What instances share, on a way that can be cut or slow.
#[derive(Debug, Default)]
struct Far {
    kept: Arc<MemoryState>,
    is_away: AtomicBool,
    /// How long a new stream is under way before it is there; everything else overtakes it.
    opening_takes: Mutex<Duration>,
}

impl Far {
    fn reach(&self) -> Result<&MemoryState, Unavailable> {
        match self.is_away.load(Ordering::Relaxed) {
            true => Err(Unavailable("it is away".into())),
            false => Ok(&self.kept),
        }
    }

    fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    fn slow_down(&self, by: Duration) {
        *self.opening_takes.lock().unwrap() = by;
    }
}

#[async_trait]
impl Streams for Far {
    async fn open(
        &self,
        subject: &str,
        stream: StreamId,
        most: u32,
        over: Over,
        lease: Duration,
    ) -> Result<Opened, Unavailable> {
        let takes = *self.opening_takes.lock().unwrap();
        self.reach()?;
        let (kept, subject) = (Arc::clone(&self.kept), subject.to_owned());
        // It arrives, whether anybody still waits for the answer or not.
        let arriving = tokio::spawn(async move {
            sleep(takes).await;
            kept.open(&subject, stream, most, over, lease).await
        });
        arriving.await.unwrap()
    }

    async fn renew(
        &self,
        leases: &[Lease],
        most: u32,
        lease: Duration,
    ) -> Result<Vec<StreamId>, Unavailable> {
        self.reach()?.renew(leases, most, lease).await
    }

    async fn close(&self, subject: &str, stream: StreamId) -> Result<(), Unavailable> {
        self.reach()?.close(subject, stream).await
    }

    async fn evicted(&self, instance: InstanceId) -> Result<Vec<StreamId>, Unavailable> {
        self.reach()?.evicted(instance).await
    }
}

fn instance(config: StreamsConfig, far: &Arc<Far>) -> Arc<OpenStreams> {
    let revocations = Arc::clone(&far.kept);
    let open = Arc::new(OpenStreams::new(config, Arc::clone(far) as _, revocations as _));
    tokio::spawn(Arc::clone(&open).watch());
    open
}

fn alice() -> Holder {
    Holder { subject: "alice".into(), token: None, issued_at: None }
}

async fn opened(open: &Arc<OpenStreams>) -> Place {
    open.open(alice()).await.unwrap()
}

async fn ended_within(time: Duration, place: &mut Place) -> Option<Ended> {
    timeout(time, place.ended()).await.ok()
}

async fn lasts(places: &mut [Place], time: Duration) {
    sleep(time).await;
    for (n, place) in places.iter_mut().enumerate() {
        assert_eq!(ended_within(SECOND, place).await, None, "stream {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_streams_all_come_back_during_an_outage_loses_none_after_it() {
    let far = Arc::default();
    let here = instance(CONFIG, &far);
    let before = [opened(&here).await, opened(&here).await, opened(&here).await];
    far.set_away(true);
    drop(before);
    sleep(SECOND).await;
    let mut again = [opened(&here).await, opened(&here).await, opened(&here).await];
    sleep(SECOND).await;
    far.set_away(false);
    lasts(&mut again, CONFIG.lease * 3).await;
    // They have places like any other: a fourth stream costs the first of them its own.
    let _fourth = opened(&here).await;
    assert_eq!(ended_within(SECOND, &mut again[0]).await, Some(Ended::Evicted));
    assert_eq!(ended_within(SECOND, &mut again[1]).await, None);
}

#[tokio::test(start_paused = true)]
async fn more_streams_than_a_user_may_have_end_after_an_outage_oldest_first() {
    let far = Arc::<Far>::default();
    let here = instance(CONFIG, &far);
    far.set_away(true);
    let mut places = Vec::new();
    for _ in 0..5 {
        places.push(opened(&here).await);
    }
    far.set_away(false);
    sleep(CONFIG.lease).await;
    let mut ended = Vec::new();
    for place in &mut places {
        ended.push(ended_within(SECOND, place).await);
    }
    assert_eq!(ended, [Some(Ended::Evicted), Some(Ended::Evicted), None, None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_let_in_during_an_outage_stays_where_the_newest_is_refused() {
    let far = Arc::default();
    let config = StreamsConfig { over: Over::RefuseNewest, ..CONFIG };
    let [here, there] = [instance(config, &far), instance(config, &far)];
    let others = [opened(&there).await, opened(&there).await, opened(&there).await];
    far.set_away(true);
    let mut one_too_many = [opened(&here).await];
    far.set_away(false);
    lasts(&mut one_too_many, CONFIG.lease * 3).await;
    // It gets its place as soon as there is one.
    drop(others);
    sleep(CONFIG.lease).await;
    let _two = [opened(&there).await, opened(&there).await];
    assert!(there.open(alice()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_ends_no_stream_whose_place_is_still_asked_for() {
    let far = Arc::default();
    let here = instance(CONFIG, &far);
    let mut first = opened(&here).await;
    let _others = [opened(&here).await, opened(&here).await];
    // Under way for as long as it takes to renew once.
    far.slow_down(CONFIG.lease / 2);
    let mut fourth = [opened(&here).await];
    assert_eq!(ended_within(SECOND, &mut first).await, Some(Ended::Evicted));
    lasts(&mut fourth, CONFIG.lease).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_is_given_up_leaves_no_place_behind() {
    let far = Arc::default();
    let here = instance(StreamsConfig { most: 1, over: Over::RefuseNewest, ..CONFIG }, &far);
    far.slow_down(SECOND);
    assert!(timeout(SECOND / 2, here.open(alice())).await.is_err(), "it is still under way");
    sleep(SECOND).await;
    assert!(here.is_empty());
    drop(opened(&here).await);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_could_not_be_given_back_costs_no_other_stream_its_own() {
    for during_it in [false, true] {
        let far = Arc::default();
        let here = instance(CONFIG, &far);
        let mut stay = [opened(&here).await, opened(&here).await];
        let closes = opened(&here).await;
        far.set_away(true);
        drop(closes);
        sleep(SECOND).await;
        // Opened again during the outage, or after it.
        far.set_away(during_it);
        let _again = opened(&here).await;
        far.set_away(false);
        lasts(&mut stay, CONFIG.lease * 3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_could_not_be_given_back_is_free_for_another_instance_soon() {
    let far = Arc::default();
    let [here, there] = [instance(CONFIG, &far), instance(CONFIG, &far)];
    let mut stay = [opened(&here).await, opened(&here).await];
    // Its lease begins late, so that it would outlast the next renewal by far.
    sleep(CONFIG.lease / 3 - SECOND).await;
    let closes = opened(&here).await;
    far.set_away(true);
    drop(closes);
    sleep(SECOND / 2).await;
    far.set_away(false);
    sleep(2 * SECOND).await;
    let _elsewhere = opened(&there).await;
    lasts(&mut stay, SECOND).await;
}
