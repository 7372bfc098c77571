use hookwire_tests::{Chaos, Shape};

/// As `scripts/chaos --functions`, shortened: each kind of disaster has its seed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_no_acknowledged_event_is_lost_or_doubled_by_the_functions() {
    let run = async |seed: u64| {
        println!("seed {seed}");
        let chaos = Chaos { shape: Shape::Functions, seed, events: 500, rate: 100, browsers: 30 };
        let outcome = chaos.run().await;
        println!("seed {seed}: {outcome:?}");
        assert!(!outcome.disasters.is_empty());
    };
    // Beside each other: most of it is waiting for what is broken to be left alone no longer.
    tokio::join!(run(0), run(1), run(2));
}
