use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::MemoryState;
use crate::{Mark, Revocation, Revocations, Revoke, Unavailable};

/// Revocations in the order in which they came, and the file that survives a restart.
#[derive(Debug, Default)]
pub(super) struct MemoryRevocations(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: Vec<Revocation>,
    /// Where they are kept, and the file once there is something to write.
    path: Option<PathBuf>,
    file: Option<File>,
}

impl MemoryRevocations {
    /// Reads what a file holds, one revocation in a line, and goes on writing there.
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        let kept = Kept { path: Some(path.to_owned()), ..Kept::default() };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self(Mutex::new(kept))),
            Err(error) => return Err(error),
        };
        let mut all = Vec::new();
        for line in BufReader::new(&file).split(b'\n') {
            // A line that a crash cut short was never acknowledged.
            all.extend(std::str::from_utf8(&line?).ok().and_then(read_line));
        }
        Ok(Self(Mutex::new(Kept { all, ..kept })))
    }
}

impl Kept {
    fn write(&mut self, revocation: &Revocation) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).append(true).open(path)?,
        };
        file.write_all(write_line(revocation).as_bytes())?;
        // It is an act that must hold, and so rare that waiting for the disk costs nothing.
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }
}

/// `<time> <subject|token> <name>`; a name holds no line break, and its zero byte is written as a tab.
fn write_line(revocation: &Revocation) -> String {
    let (kind, name) = match &revocation.of {
        Revoke::Subject(subject) => ("subject", subject),
        Revoke::Token(token) => ("token", token),
    };
    // A line of its own in any case, also after one that was cut short.
    format!("\n{} {kind} {}\n", revocation.at_ms, name.replace('\0', "\t"))
}

fn read_line(line: &str) -> Option<Revocation> {
    let mut words = line.splitn(3, ' ');
    let at_ms = words.next()?.parse().ok()?;
    let (kind, name) = (words.next()?, words.next()?.replace('\t', "\0"));
    let of = match kind {
        "subject" => Revoke::Subject(name),
        "token" => Revoke::Token(name),
        _ => return None,
    };
    Some(Revocation { of, at_ms })
}

#[async_trait]
impl Revocations for MemoryState {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Unavailable> {
        let mut kept = self.revocations.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.write(revocation).map_err(|error| {
            tracing::warn!(%error, "a revocation could not be written to its file");
            Unavailable(error.into())
        })?;
        kept.all.push(revocation.clone());
        Ok(())
    }

    async fn after(&self, mark: &Mark) -> Result<(Vec<Revocation>, Mark), Unavailable> {
        let kept = self.revocations.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read: usize = mark.0.parse().unwrap_or_default();
        let page = kept.all.get(read..).unwrap_or_default().to_vec();
        Ok((page, Mark(kept.all.len().to_string())))
    }
}
