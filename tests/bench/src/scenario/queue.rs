use anyhow::Context;

use crate::args::Plan;
use crate::report::Report;
use crate::server::Site;

mod bare;
mod drain;
mod push;
mod spilled;

use spilled::Spilled;

/// What a queue in SQS beside the log in Redis costs a push, and how fast it is emptied into the log.
///
/// Relay and Redis share the server's core. SQS is an emulator, a process on the load's core: what it does by itself is
/// measured beside, by the same load or on the core of the relay. It looks through everything that is delayed at each
/// receive, so the copies that a mirroring relay leaves make it slower and slower.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if plan.quick { 3 } else { 10 };
    let mut sends = Vec::new();
    let mut pushes = push::SETUPS.each_ref().map(|_| Vec::new());
    for _ in 0..plan.rounds {
        sends.push(push::send(seconds).context("a bare send")?);
        for (setup, rounds) in push::SETUPS.iter().zip(&mut pushes) {
            rounds.push(push::round(site, setup, seconds).with_context(|| setup.name)?);
        }
    }
    push::show(&sends, &pushes, report)?;

    let mut bare = drain::RELAYS.each_ref().map(|_| Vec::new());
    let mut relays = drain::RELAYS.each_ref().map(|_| Vec::new());
    for _ in 0..plan.rounds {
        let spilled = Spilled::new(plan.spilled)?;
        for ((relay, bare), relays) in drain::RELAYS.iter().zip(&mut bare).zip(&mut relays) {
            bare.push(bare::round(site, relay.calls, &spilled).context("a bare loop")?);
            relays.push(drain::round(site, relay, &spilled).with_context(|| relay.name)?);
        }
    }
    drain::show(&bare, &relays, plan.spilled, report)
}
