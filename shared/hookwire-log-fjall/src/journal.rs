use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The end of the last complete batch in each journal of a folder, as it was before the engine opened it.
///
/// The engine takes a journal's first unreadable entry for a torn tail and cuts off everything behind it. After
/// `kill -9` that is one unfinished, unanswered batch. But a bit that flipped further up looks the same to it, and
/// then answered batches go, too, and their numbers would be given out again.
#[derive(Debug, Default)]
pub(crate) struct JournalEnds(Vec<(PathBuf, u64)>);

/// What ends a batch: a tag, a checksum of 8 bytes, and this.
const MAGIC: &[u8] = b"FJL\x03";
const TAG: u8 = 3;
const END_BYTES: usize = 1 + 8 + MAGIC.len();

impl JournalEnds {
    /// Looks at the journals of a folder; one that is not there has none.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let files = match std::fs::read_dir(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut ends = Vec::new();
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "jnl")
                && let Some(end) = last_end(&mut File::open(&path)?)?
            {
                ends.push((path, end));
            }
        }
        Ok(Self(ends))
    }

    /// Whether a complete batch was cut off since. A journal that is gone was written to tables before.
    pub(crate) fn were_cut(&self) -> io::Result<bool> {
        for (path, end) in &self.0 {
            match File::open(path) {
                Ok(mut file) => {
                    if last_end(&mut file)?.is_none_or(|now| now < *end) {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// Finds where the last batch ends.
fn last_end(file: &mut File) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let (mut last, mut start, mut kept) = (None, 0_u64, Vec::new());
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(last);
        }
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        let ends = kept.windows(END_BYTES).enumerate();
        let is_end = |window: &[u8]| window.first() == Some(&TAG) && window.ends_with(MAGIC);
        if let Some((at, _)) = ends.rev().find(|(_, window)| is_end(window)) {
            last = Some(start + at as u64 + END_BYTES as u64);
        }
        // What may be the beginning of an end goes on in the next piece.
        let done = kept.len().saturating_sub(END_BYTES - 1);
        kept.drain(..done);
        start += done as u64;
    }
}
