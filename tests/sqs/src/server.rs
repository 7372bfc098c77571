use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::process::Process;
use crate::queue::{Queue, Queues};

/// An SQS on 127.0.0.1 that keeps everything in memory, in a process that is killed when this value is dropped, also
/// while it is paused.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
}

impl Server {
    /// A server on a free port, without queues.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// A server on this port, without queues.
    pub async fn start_on(port: u16) -> Self {
        let mut process = Process::start(port);
        let line = process.line().await.unwrap_or_default();
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("SQS did not start:\n{}", process.errors()));
        Self { process, port }
    }

    /// Where it is, as clients want their endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Makes a queue and its dead-letter queue, where a message goes that has been received `max_receive_count` times
    /// and is about to be received once more.
    ///
    /// A message that was received and not deleted is visible again after `visibility_timeout`, in whole seconds.
    pub async fn queue(
        &self,
        name: &str,
        max_receive_count: u32,
        visibility_timeout: Duration,
    ) -> Queues {
        Queues::create(&self.url(), name, max_receive_count, visibility_timeout).await
    }

    /// The queue of that name, wherever it was made.
    #[must_use]
    pub fn existing_queue(&self, name: &str) -> Queue {
        Queue::named(&self.url(), name)
    }

    /// Ends the process as a power cut does, and waits until it is gone, with all its messages.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Stops the process in its tracks: connections stay open and new ones are accepted, but nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what {} complained about:\n{}", self.url(), self.process.errors());
        }
    }
}
