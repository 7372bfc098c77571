use std::time::Instant;

use anyhow::Context;
use serde_json::json;

use super::TOPIC;
use crate::args::Plan;
use crate::contender::Contender;
use crate::dialect::Start;
use crate::process::cpu_seconds;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;
use crate::tokens::{self, Algorithms};

/// Who opens streams at whom.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A relay with keys, to which each user brings a token.
    Authorised(Algorithms),
    /// Whoever comes.
    Anybody(Contender),
}

/// What one round of one way showed.
#[derive(Debug)]
struct Round {
    per_second: f64,
    /// Processor time of the server for a stream.
    us: f64,
    load_busy: f64,
}

/// Streams opened per second, each by a connection of its own, until each has its first bytes.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let streams = if plan.quick { 1_000 } else { 10_000 };
    let mut ways = vec![
        ("relay, without keys", Way::Anybody(Contender::Relay)),
        ("relay, a token of each user, HS256", Way::Authorised(Algorithms::Hs256)),
        ("relay, a token of each user, RS256", Way::Authorised(Algorithms::Rs256)),
    ];
    let others = Contender::with_peers(&[Contender::BATCH], site, report)?;
    ways.extend(others.into_iter().map(|other| (other.name(), Way::Anybody(other))));
    // Signing takes longer than opening.
    let mut headers = Vec::new();
    for (_, way) in &ways {
        headers.push(
            (0..streams).map(|number| way.headers(number)).collect::<anyhow::Result<Vec<_>>>()?,
        );
    }
    let mut rounds: Vec<_> = ways.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        for (((name, way), headers), rounds) in ways.iter().zip(&headers).zip(&mut rounds) {
            let round = round(&way.start(site)?, headers).with_context(|| (*name).to_owned())?;
            rounds.push(round);
        }
    }
    let mut table = Table::new(["server", "opened/s", "CPU µs/stream", "load busy"]);
    let mut figures = Vec::new();
    for ((name, _), rounds) in ways.iter().zip(&rounds) {
        let spread = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Spread>();
        let (rate, cpu) = (spread(|round| round.per_second), spread(|round| round.us));
        let load_busy = spread(|round| round.load_busy);
        let busy = format!("{:.0} %", load_busy.median() * 100.0);
        table.row([(*name).to_owned(), rate.to_string(), cpu.to_string(), busy]);
        figures.push(json!({
            "server": name, "opened_per_second": rate.json(), "cpu_us_per_stream": cpu.json(),
            "load_busy": load_busy.json(),
        }));
    }
    let title = format!(
        "streams opened per second, {streams} of them, the accept rate of the relay set out of the way"
    );
    report.table(&title, "open", &table, json!(figures))
}

fn round(server: &Server, headers: &[Vec<String>]) -> anyhow::Result<Round> {
    let mut load = server.load()?;
    let requests = headers
        .iter()
        .map(|headers| server.dialect.follow(server.address, TOPIC, Start::Live, headers));
    let requests: Vec<_> = requests.collect();
    let cpu = || anyhow::Ok((cpu_seconds(server.pid())?, cpu_seconds(std::process::id())?));
    let (start, before) = (Instant::now(), cpu()?);
    load.open_with(requests.len(), |number| requests[number].clone())?;
    let took = start.elapsed().as_secs_f64();
    let after = cpu()?;
    Ok(Round {
        per_second: requests.len() as f64 / took,
        us: (after.0 - before.0) * 1e6 / requests.len() as f64,
        load_busy: (after.1 - before.1) / took,
    })
}

impl Way {
    fn start(self, site: &Site) -> anyhow::Result<Server> {
        match self {
            Self::Authorised(Algorithms::Hs256) => {
                site.relay_with("memory:", &[("HOOKWIRE_JWT_SECRET", tokens::SECRET)])
            }
            Self::Authorised(Algorithms::Rs256) => {
                let keys = tokens::key_set().display().to_string();
                let secret = ("HOOKWIRE_TICKET_SECRET", tokens::SECRET);
                site.relay_with("memory:", &[("HOOKWIRE_JWKS", keys.as_str()), secret])
            }
            Self::Anybody(server) => server.start(site),
        }
    }

    fn headers(self, number: usize) -> anyhow::Result<Vec<String>> {
        Ok(match self {
            Self::Authorised(algorithm) => {
                vec![format!("authorization: Bearer {}", tokens::user(number, algorithm)?)]
            }
            Self::Anybody(_) => Vec::new(),
        })
    }
}
