use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::process::{Child, Command};

use crate::PATIENCE;

/// A `redis-server` process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
}

impl Process {
    /// Starts it in `folder`, and appends what it prints to `log`.
    pub(crate) fn start(folder: &Path, arguments: &[&str], log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new("redis-server");
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("there is no redis-server in PATH; on Debian: apt-get install redis-server")
            }
            Err(error) => panic!("redis-server does not start: {error}"),
        };
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        Self { child, pid }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) async fn ended(&mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("redis-server ends").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_none() || self.child.start_kill().is_err() {
            return;
        }
        // It must be gone before its folder is removed, or it could still create a file in there. A killed process
        // takes milliseconds to go, and is left for tokio to reap.
        let _gone = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    }
}
