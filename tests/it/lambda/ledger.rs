use hookwire_tests::{Chaos, Shape};

/// As `scripts/chaos --functions`, shortened: each kind of disaster has its seed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_no_acknowledged_event_is_lost_or_doubled_by_the_functions() {
    for seed in 0..3 {
        println!("seed {seed}");
        let chaos = Chaos { shape: Shape::Functions, seed, events: 500, rate: 100, browsers: 30 };
        let outcome = chaos.run().await;
        println!("seed {seed}: {outcome:?}");
        assert!(!outcome.disasters.is_empty());
    }
}
