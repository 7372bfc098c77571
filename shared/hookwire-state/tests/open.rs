//! Two instances that share what a process keeps for itself.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookwire_state::{Ended, Holder, MemoryState, OpenStreams, Over, Place, Revoke, StreamsConfig};
use tokio::time::timeout;

const CONFIG: StreamsConfig = StreamsConfig {
    most: 3,
    over: Over::EvictOldest,
    lease: Duration::from_secs(30),
    longest_token: Duration::from_hours(24),
    leeway: Duration::from_secs(30),
};

fn instances(config: StreamsConfig) -> [Arc<OpenStreams>; 2] {
    let state = Arc::new(MemoryState::default());
    [(); 2].map(|()| {
        let open =
            Arc::new(OpenStreams::new(config, Arc::clone(&state) as _, Arc::clone(&state) as _));
        tokio::spawn(Arc::clone(&open).watch());
        open
    })
}

fn holder(subject: &str, token: Option<&str>, issued: u64) -> Holder {
    let issued_at = Some(UNIX_EPOCH + Duration::from_secs(issued));
    Holder { subject: subject.into(), token: token.map(Into::into), issued_at }
}

async fn opened(open: &Arc<OpenStreams>, subject: &str) -> Place {
    open.open(holder(subject, None, 0)).await.unwrap()
}

async fn ended_within_a_second(place: &mut Place) -> Option<Ended> {
    timeout(Duration::from_secs(1), place.ended()).await.ok()
}

#[tokio::test(start_paused = true)]
async fn the_fourth_stream_ends_the_first_wherever_it_is() {
    let [here, there] = instances(CONFIG);
    let mut first = opened(&here, "u").await;
    let mut second = opened(&there, "u").await;
    let _third = opened(&here, "u").await;
    let _of_another = opened(&here, "v").await;
    assert_eq!(ended_within_a_second(&mut first).await, None);
    let _fourth = opened(&there, "u").await;
    assert_eq!(ended_within_a_second(&mut first).await, Some(Ended::Evicted));
    assert_eq!(ended_within_a_second(&mut second).await, None);
    let _fifth = opened(&there, "u").await;
    assert_eq!(ended_within_a_second(&mut second).await, Some(Ended::Evicted));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_closes_frees_its_place_and_one_that_lasts_keeps_it() {
    let [here, there] = instances(CONFIG);
    let mut first = opened(&here, "u").await;
    drop(opened(&here, "u").await);
    let _second = opened(&there, "u").await;
    tokio::time::sleep(CONFIG.lease * 10).await;
    let _third = opened(&there, "u").await;
    assert_eq!(ended_within_a_second(&mut first).await, None);
    let _fourth = opened(&there, "u").await;
    assert_eq!(ended_within_a_second(&mut first).await, Some(Ended::Evicted));
}

#[tokio::test(start_paused = true)]
async fn in_the_other_mode_the_newest_is_refused() {
    let [here, there] = instances(StreamsConfig { over: Over::RefuseNewest, ..CONFIG });
    let places = [opened(&here, "u").await, opened(&there, "u").await, opened(&here, "u").await];
    let full = there.open(holder("u", None, 0)).await.unwrap_err();
    assert!(full.retry_after <= CONFIG.lease, "{full:?}");
    drop(places);
    tokio::task::yield_now().await;
    drop(opened(&there, "u").await);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_ends_the_streams_of_a_subject_or_token_everywhere_and_keeps_them_out() {
    let [here, there] = instances(StreamsConfig { most: 0, ..CONFIG });
    let issued = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - 10;
    let by_subject = holder("u", None, issued);
    let by_token = holder("v", Some("t"), issued);
    let mut of_subject = there.open(by_subject.clone()).await.unwrap();
    let mut of_token = there.open(by_token.clone()).await.unwrap();
    let mut other = there.open(holder("v", Some("s"), issued)).await.unwrap();
    here.revoke(Revoke::Subject("u".into()), SystemTime::now()).await.unwrap();
    here.revoke(Revoke::Token("t".into()), SystemTime::now()).await.unwrap();
    assert_eq!(ended_within_a_second(&mut of_subject).await, Some(Ended::Revoked));
    assert_eq!(ended_within_a_second(&mut of_token).await, Some(Ended::Revoked));
    assert_eq!(ended_within_a_second(&mut other).await, None);
    for open in [&here, &there] {
        assert!(open.is_revoked(&by_subject) && open.is_revoked(&by_token));
        assert!(!open.is_revoked(&holder("u", None, issued + 3_600)), "a newer token is good");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_opens_while_its_token_is_revoked_ends() {
    let [here, _] = instances(CONFIG);
    here.revoke(Revoke::Subject("u".into()), SystemTime::now()).await.unwrap();
    let mut late = opened(&here, "u").await;
    assert_eq!(ended_within_a_second(&mut late).await, Some(Ended::Revoked));
}
