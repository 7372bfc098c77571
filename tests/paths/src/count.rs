use std::io::Write;
use std::path::Path as FilePath;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::path::Path;
use crate::tokens;

/// A change beyond this share is marked.
const MARKED: f64 = 0.05;

/// Prints what every path takes, here and in `against`.
pub fn all(against: Option<&FilePath>) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let mut out = std::io::stdout();
    let heads = if against.is_some() {
        ["instructions", "there", "here/there"]
    } else {
        ["instructions", "", ""]
    };
    writeln!(out, "{:<44} {:>12} {:>12} {:>10}", "once", heads[0], heads[1], heads[2])?;
    for path in Path::value_variants() {
        let here = per_iteration(&own, *path)?;
        let Some(there) = against else {
            writeln!(out, "{:<44} {here:>12.0}", path.title())?;
            continue;
        };
        match per_iteration(there, *path) {
            Ok(there) => {
                let ratio = here / there;
                let mark = match ratio {
                    more if more > 1.0 + MARKED => "  MORE",
                    less if less < 1.0 - MARKED => "  less",
                    _ => "",
                };
                let title = path.title();
                writeln!(out, "{title:<44} {here:>12.0} {there:>12.0} {ratio:>10.3}{mark}")?;
            }
            Err(error) => writeln!(out, "{:<44} {here:>12.0}   not there: {error}", path.title())?,
        }
    }
    Ok(())
}

/// Instructions of one iteration.
fn per_iteration(program: &FilePath, path: Path) -> anyhow::Result<f64> {
    let [few, many] = path.iterations();
    let more = instructions(program, path, many)? - instructions(program, path, few)?;
    Ok(more / (many - few) as f64)
}

fn instructions(program: &FilePath, path: Path, iterations: usize) -> anyhow::Result<f64> {
    let name = path.to_possible_value().context("a path has a name")?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).arg("run").arg(name.get_name()).arg(iterations.to_string());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().context("cannot run valgrind")?;
    let mut stdin = process.stdin.take().context("standard input is piped")?;
    // A program that takes no tokens may be gone before it has them.
    drop(stdin.write_all(tokens::lines(path, iterations)?.as_bytes()));
    drop(stdin);
    let ended = process.wait_with_output()?;
    let told = String::from_utf8_lossy(&ended.stderr);
    if !ended.status.success() {
        bail!("{} {iterations}: {}", name.get_name(), told.lines().last().unwrap_or_default());
    }
    let collected = told.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.context("callgrind did not tell what it counted")?;
    Ok(count.trim().parse()?)
}
