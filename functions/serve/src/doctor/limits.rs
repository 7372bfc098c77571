use std::path::{Path, PathBuf};

use hookwire_http::ListenerConfig;

use super::Finding;

const ABOUT: &str = "limits";

/// What one connection takes, in the process and in the kernel, rounded up.
const CONNECTION_BYTES: u64 = 40 * 1024;
/// What the process takes beside connections: its own start, rings, and what is under way.
const OWN_BYTES: u64 = 128 * 1024 * 1024;

/// What the system leaves the relay: open files and memory.
pub(super) fn limits(listener: &ListenerConfig) -> Vec<Finding> {
    // As the relay does it at its start.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_default();
    let wanted = listener.max_connections.get();
    let room = listener.within(files).max_connections.get();
    vec![open_files(files, wanted, room), memory(memory_limit(), room)]
}

fn open_files(files: u64, wanted: usize, room: usize) -> Finding {
    if room < wanted {
        return Finding::warn(
            ABOUT,
            format!("{files} open files leave room for {room} connections, fewer than `max_connections` ({wanted})"),
            "raise the limit of open files (`ulimit -n`, `LimitNOFILE=`), or lower `max_connections`",
        )
        .of("streams-near-cap");
    }
    Finding::ok(ABOUT, format!("{files} open files, enough for {wanted} connections"))
}

fn memory(limit: Option<u64>, connections: usize) -> Finding {
    let Some(limit) = limit else {
        return Finding::ok(ABOUT, "no limit of memory but the machine's");
    };
    let mib = limit >> 20;
    let room = limit.saturating_sub(OWN_BYTES) / CONNECTION_BYTES;
    if room < connections as u64 {
        return Finding::warn(
            ABOUT,
            format!("{mib} MiB of memory are enough for about {room} connections, and {connections} may come"),
            "raise the limit of memory, or lower `max_connections`, or it is killed when they come",
        )
        .of("streams-near-cap");
    }
    Finding::ok(ABOUT, format!("{mib} MiB of memory, enough for {connections} connections"))
}

/// The limit of the control group that this process is in, in either version of Linux's, or none.
///
/// Sources: <https://docs.kernel.org/admin-guide/cgroup-v2.html>, <https://docs.kernel.org/admin-guide/cgroup-v1/memory.html>
fn memory_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limit_of(&groups, Path::new("/sys/fs/cgroup"))
}

fn limit_of(groups: &str, root: &Path) -> Option<u64> {
    let mut limits = Vec::new();
    for group in groups.lines() {
        let mut parts = group.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            named if named.split(',').any(|one| one == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // A container sees its own group as the root, whatever the file says; and what is above limits as well.
        let own: PathBuf = root.join(path.trim_start_matches('/'));
        let up = own.ancestors().take_while(|above| above.starts_with(&root));
        limits.extend(up.filter_map(|above| std::fs::read_to_string(above.join(file)).ok()));
    }
    let numbers = limits.iter().filter_map(|text| text.trim().parse::<u64>().ok());
    // The first version has no word for none but the largest number of pages.
    numbers.filter(|limit| *limit < 1 << 60).min()
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn too_few_files_or_too_little_memory_is_told() {
        assert_eq!(open_files(100_000, 1_000, 1_000).level, Level::Ok);
        assert_eq!(open_files(1_024, 1_000, 768).level, Level::Warn);
        assert_eq!(memory(None, 100_000).level, Level::Ok);
        assert_eq!(memory(Some(512 << 20), 1_000).level, Level::Ok);
        assert_eq!(memory(Some(512 << 20), 100_000).level, Level::Warn);
        assert_eq!(memory(Some(64 << 20), 1).level, Level::Warn);
    }

    #[test]
    fn the_limit_is_that_of_the_own_group_or_one_above_in_either_version() {
        let root = std::env::temp_dir().join(format!("hookwire-cgroup-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a/b/memory.max", "max\n");
        write("a/memory.max", "1000\n");
        write("memory/c/memory.limit_in_bytes", "2000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limit = |groups| limit_of(groups, &root);
        assert_eq!(limit("0::/a/b\n"), Some(1_000));
        assert_eq!(limit("5:cpu:/x\n7:memory,hugetlb:/c\n0::/none\n"), Some(2_000));
        assert_eq!(limit("7:memory:/\n"), None);
        assert_eq!(limit(""), None);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
