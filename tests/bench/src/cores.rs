use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which core serves and which one loads it, so that neither slows the other down.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    pub server: usize,
    pub load: usize,
}

impl Cores {
    /// Two of the cores this process may use; none when there is only one.
    pub fn choose() -> io::Result<Option<Self>> {
        let allowed = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let first = allowed.next();
        Ok(first.zip(allowed.next_back()).map(|(server, load)| Self { server, load }))
    }
}

/// Keeps this thread, and what it starts, on one core.
pub fn pin(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}
