use std::io::Write;

use anyhow::ensure;
use serde_json::{Value, json};

use super::{Finding, Level};

/// All that was found.
pub(super) struct Answer(pub(super) Vec<Finding>);

impl Answer {
    /// Prints it, and fails when something is bad.
    pub(super) fn say(self, as_json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if as_json {
            writeln!(out, "{}", self.json())?;
        } else {
            for finding in &self.0 {
                writeln!(out, "{finding}")?;
            }
        }
        match self.count(Level::Bad) {
            1 => ensure!(false, "1 thing is bad"),
            bad => ensure!(bad == 0, "{bad} things are bad"),
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let findings: Value = self.0.iter().map(Finding::json).collect();
        let (bad, warn) = (self.count(Level::Bad), self.count(Level::Warn));
        json!({ "bad": bad, "warn": warn, "findings": findings })
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}
