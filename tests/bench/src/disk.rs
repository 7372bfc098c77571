use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Appends of so many bytes each that this disk makes durable in a second, `group` of them to a sync: what a log with
/// group commit could do if it did nothing else.
pub fn synced_appends(
    folder: &Path,
    group: usize,
    bytes: usize,
    time: Duration,
) -> anyhow::Result<f64> {
    let path = folder.join("sync-probe");
    let mut file = File::create(&path)?;
    let record = vec![b'x'; group * bytes];
    let (start, mut appended) = (Instant::now(), 0);
    while start.elapsed() < time {
        file.write_all(&record)?;
        file.sync_all()?;
        appended += group;
    }
    let rate = appended as f64 / start.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Ok(rate)
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Bytes in a folder.
pub fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        bytes += if is_folder { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// A folder that goes away with this value.
#[derive(Debug)]
pub struct Scratch(std::path::PathBuf);

impl Scratch {
    /// An empty folder of this name.
    pub fn new(parent: &Path, name: &str) -> anyhow::Result<Self> {
        let path = parent.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        drop(fs::remove_dir_all(&self.0));
    }
}
