use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hookwire_aws_server::Server;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::Api;
use crate::output::Output;
use crate::program::program;

/// How long anything may take before a test says that it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Everything of ours, and what others say that is worth a line for each start, not for each call.
pub(crate) const LOGGED: &str =
    "debug,aws=info,hyper_util=info,h2=info,rustls=info,fjall=warn,lsm_tree=warn";

/// What a relay process is started with.
#[derive(Debug, Clone, Default)]
pub struct RelayOptions {
    variables: Vec<(String, String)>,
    file: Option<String>,
    folder: Option<PathBuf>,
    log: Option<String>,
}

impl RelayOptions {
    /// Sets one `HOOKWIRE_*` variable.
    #[must_use]
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        self.variable(&format!("HOOKWIRE_{name}"), value)
    }

    /// Sets one variable of any name, over what was set before.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// Has its secrets there.
    #[must_use]
    pub fn aws(mut self, server: &Server) -> Self {
        let variables = server.variables().into_iter();
        self.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Writes a `hookwire.toml`.
    #[must_use]
    pub fn file(mut self, text: &str) -> Self {
        self.file = Some(text.to_owned());
        self
    }

    /// Keeps the log in a folder, and not in memory.
    #[must_use]
    pub fn on_disk(self) -> Self {
        self.log("fjall:./hookwire-data")
    }

    /// Keeps the log there, and not in memory.
    #[must_use]
    pub fn log(mut self, address: impl ToString) -> Self {
        self.log = Some(address.to_string());
        self
    }

    /// Has this queue beside the log.
    #[must_use]
    pub fn queue(self, url: &str) -> Self {
        self.set("QUEUE", format!("sqs:{url}"))
    }

    /// Runs in this folder, and not in one of its own.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Starts the relay and waits until it listens.
    pub async fn start(self) -> Relay {
        let own = self.folder.is_none().then(|| tempfile::tempdir().unwrap());
        let folder = self.folder.clone().unwrap_or_else(|| own.as_ref().unwrap().path().to_owned());
        if let Some(file) = &self.file {
            std::fs::write(folder.join("hookwire.toml"), file).unwrap();
        }
        let (log, printed) = (Output::default(), Output::default());
        // Where it listens is known when it does.
        let api = Api::at("");
        let mut relay =
            Relay { options: self, folder, api, log, printed, process: None, _own: own };
        relay.run("127.0.0.1:0").await;
        relay
    }
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    options: RelayOptions,
    folder: PathBuf,
    api: Api,
    log: Output,
    printed: Output,
    process: Option<Process>,
    _own: Option<tempfile::TempDir>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    pid: Pid,
    address: String,
}

/// A relay is asked over HTTP.
impl Deref for Relay {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Relay {
    /// A relay with default settings over a log in memory.
    pub async fn start() -> Self {
        RelayOptions::default().start().await
    }

    /// Where the program is; built once per run of the tests.
    #[must_use]
    pub fn program() -> PathBuf {
        program("hookwire", "hookwire")
    }

    /// A command of the program, with the harness' environment and no other `HOOKWIRE_*` variable.
    #[must_use]
    pub fn command(folder: &Path) -> Command {
        let mut command = Command::new(Self::program());
        command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.kill_on_drop(true).stdin(Stdio::null());
        command
    }

    async fn run(&mut self, listen: &str) {
        let log = self.options.log.as_deref().unwrap_or("memory:");
        let mut child = Self::command(&self.folder)
            .env("HOOKWIRE_LISTEN", listen)
            .env("HOOKWIRE_LOG", log)
            .env("HOOKWIRE_LOG_FORMAT", "text")
            .env("RUST_LOG", LOGGED)
            .envs(self.options.variables.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.printed.collect(child.stdout.take().unwrap());
        let mut address = self.log.collect_and_find(child.stderr.take().unwrap(), |line| {
            let (_, rest) = line.split_once("listening on http://")?;
            Some(rest.split([',', ' ']).next().unwrap_or_default().to_owned())
        });
        let started = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let address = match started {
            Ok(Ok(address)) => address.clone().unwrap(),
            _ => panic!("the relay did not start:\n{}", self.log()),
        };
        self.api.base = format!("http://{address}");
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        self.process = Some(Process { child, pid, address });
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the relay runs")
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.process().address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process().pid
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Everything it has written to its standard output so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.printed.text()
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Ends the process as a power cut does, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait().await;
    }

    /// Waits until the process has ended, and returns its exit code.
    pub async fn wait(&mut self) -> Option<i32> {
        let process = self.process.as_mut().expect("the relay runs");
        let ended = tokio::time::timeout(PATIENCE, process.child.wait()).await;
        ended.expect("the relay ends").unwrap().code()
    }

    /// Starts the process again on the same address and folder.
    pub async fn restart(&mut self) {
        let address = self.process().address.clone();
        self.run(&address).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log.show("the relay");
        } else if let Some(fault) = self.log.faults("the relay") {
            panic!("{fault}");
        }
    }
}
