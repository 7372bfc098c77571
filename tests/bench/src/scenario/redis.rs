use std::time::Duration;

use anyhow::Context;

use crate::args::Plan;
use crate::report::Report;
use crate::server::Site;

mod append;
mod callers;
mod publish;

pub use callers::xadd;

/// What the log in Redis costs: its append beside a bare `XADD`, and publishes through it beside the other logs.
///
/// Redis, relay and load are three processes, and there are two cores. Whatever serves shares one: Redis alone while
/// the load calls it directly, Redis and the relay while publishes go through both. The load has the other one. So
/// script and `XADD` are compared on the same whole core, and the relays by what one core does with everything that
/// their log takes. Where Redis has a core of its own a relay is faster than here, which makes its rate a lower bound;
/// the processor time of Redis for an event hardly depends on it.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 300 } else { 3_000 });
    let mut appends = append::WAYS.map(|_| Vec::new());
    let mut publishes = publish::LOGS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        for ((name, way), rounds) in append::WAYS.iter().zip(&mut appends) {
            rounds.push(append::round(site, *way, time).with_context(|| (*name).to_owned())?);
        }
        for ((name, log), rounds) in publish::LOGS.iter().zip(&mut publishes) {
            rounds.push(publish::round(site, *log, time).with_context(|| (*name).to_owned())?);
        }
    }
    append::show(&appends, report)?;
    publish::show(&publishes, report)
}
