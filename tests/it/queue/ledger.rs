use hookwire_tests::{Chaos, Shape};

/// As `scripts/chaos`, shortened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_no_acknowledged_event_is_lost_or_doubled() {
    let run = async |seeds: std::ops::Range<u64>| {
        for seed in seeds {
            println!("seed {seed}");
            let chaos = Chaos { shape: Shape::Relays, seed, events: 500, rate: 200, browsers: 50 };
            let outcome = chaos.run().await;
            println!("seed {seed}: {outcome:?}");
            assert!(!outcome.disasters.is_empty());
        }
    };
    tokio::join!(run(0..5), run(5..10));
}
