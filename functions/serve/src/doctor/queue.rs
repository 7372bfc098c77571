use hookwire_edges::Words;
use hookwire_queue_sqs::{Report, SqsQueue};

use super::{Finding, Level};
use crate::config::Config;

const ABOUT: &str = "queue";

/// Whether the queue answers and lets us, how it stands, and what puts events at risk there.
pub(crate) async fn queue(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.queue else { return Vec::new() };
    let queue = SqsQueue::new(settings.sqs.clone());
    let report = match queue.report().await {
        Ok(report) => report,
        Err(error) => {
            let text = format!("{} does not answer: {error}", settings.sqs.queue_url);
            let unreachable = Words::QUEUE_UNREACHABLE;
            return vec![Finding::bad(ABOUT, text, unreachable.todo).of(unreachable.incident)];
        }
    };
    let mut findings = vec![Finding::ok(ABOUT, report.to_string())];
    findings.extend(told(&report));
    let denied = queue.denied().await;
    findings.push(match denied.is_empty() {
        true => Finding::ok(ABOUT, "it lets this relay send, receive, delete and postpone"),
        false => {
            let text = format!("{}: {}", Words::QUEUE_UNREACHABLE.reason, denied.join("; "));
            Finding::advice(Level::Bad, ABOUT, &text).of(Words::QUEUE_UNREACHABLE.incident)
        }
    });
    findings
}

fn told(report: &Report) -> Vec<Finding> {
    let warnings = report.warnings.iter();
    let mut findings: Vec<Finding> =
        warnings.map(|warning| Finding::advice(Level::Warn, ABOUT, warning)).collect();
    let dead = report.dead_letters.as_ref();
    let dead = dead.and_then(|dead| Some((&dead.queue, dead.messages.filter(|dead| *dead > 0)?)));
    if let Some((queue, messages)) = dead {
        let words = Words::DEAD_LETTERS;
        let text = format!("{}: {messages} in {queue}", words.reason);
        findings.push(Finding::bad(ABOUT, text, words.todo).of(words.incident));
    }
    findings
}
