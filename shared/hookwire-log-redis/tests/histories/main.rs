//! Random histories on real servers: appends, trimming, failovers to whole and to stale copies, lost keys, damage and
//! clocks that jump. Whatever happens, a reader gets what is there, in order, each once, and is told of what is not.
//!
//! A failure names its seed; put it alone into [`SEEDS`] to see it again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails, and it names its seed"
)]

mod model;
mod reader;
mod servers;
mod world;

use std::ops::Range;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};

use servers::Servers;
use world::{Tally, World};

const SEEDS: Range<u64> = 0..600;
const STEPS: usize = 60;
/// Histories that run at once.
const AT_ONCE: usize = 8;
/// One history in so many may end early at most.
const EARLY_IN: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_a_reader_gets_what_is_there_and_is_told_of_what_is_not() {
    let servers = Arc::new(Servers::start().await);
    let (mut seeds, mut running) = (SEEDS, JoinSet::new());
    let (mut total, mut wrong) = (Tally::default(), Vec::new());
    loop {
        while running.len() < AT_ONCE {
            let Some(seed) = seeds.next() else { break };
            let servers = Arc::clone(&servers);
            let history = tokio::spawn(World::new(seed, servers).run(STEPS));
            running.spawn(async move { (seed, history.await) });
        }
        let Some(ended) = running.join_next().await else { break };
        match ended.unwrap() {
            (_, Ok(tally)) => total.add(&tally),
            (seed, Err(error)) => wrong.push(format!("seed {seed} went wrong: {}", said(error))),
        }
    }
    println!("{total:?}");
    // Servers that go while a test fails show their logs, and what went wrong is to be the last that is shown.
    drop(servers);
    let first = wrong.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} histories went wrong, at first:\n{first}", wrong.len());
    // A test of nothing would pass as well.
    let Tally { appended, duplicates, read, gaps, coincidences, unanswered, .. } = total;
    assert!(appended > 20_000 && duplicates > 1_000 && read > 20_000 && gaps.len() == 4);
    let early = coincidences + unanswered;
    assert!(early * EARLY_IN <= SEEDS.count(), "{early} histories ended early");
}

/// What the panic of a history said.
fn said(error: JoinError) -> String {
    let panic = error.into_panic();
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref().copied().unwrap_or("a panic without words").to_owned(),
    }
}
