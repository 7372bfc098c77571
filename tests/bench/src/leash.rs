use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cores::pin;

/// Becomes `command`, which dies with the process that started this one: a measurement that is killed leaves nothing
/// behind that would disturb the next one.
pub fn run(core: Option<usize>, command: &[String]) -> anyhow::Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the signal was asked for.
    anyhow::ensure!(getppid() == parent, "the parent is gone");
    if let Some(core) = core {
        pin(core)?;
    }
    let (program, arguments) = command.split_first().context("a command to run")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot run {program}"))
}
