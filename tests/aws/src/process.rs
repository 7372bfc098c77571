use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::PATIENCE;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The server's process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    output: BufReader<ChildStdout>,
    errors: File,
    /// Closed by the kernel also when this process is killed, and then the server ends too.
    _lifeline: ChildStdin,
}

impl Process {
    pub(crate) fn start() -> Self {
        let folder = Path::new(FOLDER);
        let python = folder.join(".venv/bin/python3");
        assert!(python.exists(), "there is no moto; run tests/aws/setup");
        let errors = tempfile::tempfile().unwrap();
        let mut command = Command::new(python);
        command.arg(folder.join("server.py")).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let lifeline = child.stdin.take().unwrap();
        Self { child, pid, output, errors, _lifeline: lifeline }
    }

    /// The next line that it prints, or nothing if it ends before or takes too long.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.output.read_line(&mut line)).await;
        matches!(read, Ok(Ok(1..))).then_some(line)
    }

    /// What it has complained about so far.
    pub(crate) fn errors(&self) -> String {
        let length = self.errors.metadata().map_or(0, |metadata| metadata.len());
        let mut errors = vec![0; usize::try_from(length).unwrap()];
        // The server writes where the file's cursor is, which must stay there.
        self.errors.read_exact_at(&mut errors, 0).unwrap();
        String::from_utf8_lossy(&errors).into_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the server ends").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_none() || self.child.start_kill().is_err() {
            return;
        }
        // Its port must be free for the next one. A killed process takes milliseconds to go, and is left for tokio to
        // reap.
        let _gone = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    }
}
