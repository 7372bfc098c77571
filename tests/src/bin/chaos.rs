//! Pushes numbered events through relays or functions while everything fails, once for each seed, and says what became of them.

use hookwire_tests::{Chaos, ChaosOutcome, Shape};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let functions = arguments.next_if(|argument| argument == "--functions").is_some();
    let shape = if functions { Shape::Functions } else { Shape::Relays };
    let mut numbers = arguments.map(|argument| {
        argument.parse().unwrap_or_else(|_| {
            panic!("`{argument}` is no number; usage: chaos [--functions] [FIRST_SEED [SEEDS [EVENTS]]]")
        })
    });
    let first = numbers.next().unwrap_or(0);
    let seeds = numbers.next().unwrap_or(100);
    let events = numbers.next().unwrap_or(20_000);
    for seed in first..first + seeds {
        println!("seed {seed}: {events} events");
        let chaos = Chaos { shape, seed, events, rate: 200, browsers: 50 };
        let ChaosOutcome {
            disasters,
            refused,
            queued,
            gaps,
            repeated,
            unprotected,
            slowest,
            settled,
        } = chaos.run().await;
        println!(
            "seed {seed}: {unprotected} lost; {} disasters, {refused} refused and pushed again, {queued} queued, {gaps} gaps \
             told, {repeated} seen again, slowest answer {slowest:.1?}, settled {settled:.1?} after the last push",
            disasters.len(),
        );
    }
}
