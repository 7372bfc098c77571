use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the functions are made of.
const SOURCES: [&str; 5] = ["functions", "shared", "Cargo.toml", "Cargo.lock", "hookwire.toml"];
/// How often they are looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Knows when the sources were changed last.
#[derive(Debug)]
pub(crate) struct Changes {
    seen: Option<SystemTime>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { seen: newest() }
    }
}

impl Changes {
    /// Waits until something is changed.
    pub(crate) async fn next(&mut self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            let newest = newest();
            if newest > self.seen {
                self.seen = newest;
                return;
            }
        }
    }
}

fn newest() -> Option<SystemTime> {
    SOURCES.iter().filter_map(|path| of(Path::new(path))).max()
}

/// When something there was changed last; a folder changes also when a file in it is removed.
fn of(path: &Path) -> Option<SystemTime> {
    let metadata = std::fs::metadata(path).ok()?;
    let own = metadata.modified().ok()?;
    if !metadata.is_dir() {
        return Some(own);
    }
    let inside = std::fs::read_dir(path).ok()?.flatten().filter_map(|entry| of(&entry.path()));
    Some(inside.max().map_or(own, |inside| inside.max(own)))
}
