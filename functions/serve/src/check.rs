use std::io::Write;
use std::path::PathBuf;

use crate::config::load;

/// `hookwire check`: says everything that is wrong with the settings, or that nothing is.
pub(crate) fn check(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path)?;
    let mut out = std::io::stdout().lock();
    for warning in warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "the settings are good; listening on {}", config.listen)?;
    for source in &config.ingress.sources {
        let verified = if source.verifier.is_some() { "verified" } else { "not verified" };
        writeln!(out, "source {} at {} ({verified})", source.name, source.path)?;
    }
    Ok(())
}
