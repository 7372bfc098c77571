use std::path::PathBuf;

use crate::config::load;
use crate::doctor;

/// `hookwire check`: says everything that is wrong with the settings, or that nothing is, and asks Redis and
/// the queue if they are used: what a start needs. `hookwire doctor` looks at the rest as well.
pub(crate) async fn check(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path).await?;
    let mut findings = doctor::settings(&config, &warnings);
    findings.extend(doctor::log(&config).await);
    findings.extend(doctor::queue(&config).await);
    doctor::say(findings)
}
