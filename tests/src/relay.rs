use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwire_aws_server::Server;
use reqwest::{Client, RequestBuilder, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::Stream;
use crate::program::program;

/// How long anything may take before a test says that it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Everything of ours, and what others say that is worth a line for each start, not for each call.
const LOGGED: &str = "debug,aws=info,hyper_util=info,h2=info,rustls=info,fjall=warn,lsm_tree=warn";

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
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((format!("HOOKWIRE_{name}"), value.to_string()));
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
        let client = Client::builder().pool_max_idle_per_host(64).no_proxy().build().unwrap();
        let (log, printed) = (Arc::default(), Arc::default());
        let mut relay =
            Relay { options: self, folder, client, log, printed, process: None, _own: own };
        relay.run("127.0.0.1:0").await;
        relay
    }
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    options: RelayOptions,
    folder: PathBuf,
    /// For requests to it.
    pub client: Client,
    log: Arc<Mutex<String>>,
    printed: Arc<Mutex<String>>,
    process: Option<Process>,
    _own: Option<tempfile::TempDir>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    pid: Pid,
    address: String,
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
            .env("RUST_LOG", LOGGED)
            .envs(self.options.variables.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, printed) = (child.stdout.take().unwrap(), Arc::clone(&self.printed));
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                printed.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let (found, mut address) = watch::channel(None);
        let (stderr, log) = (child.stderr.take().unwrap(), Arc::clone(&self.log));
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, rest)) = line.split_once("listening on http://") {
                    let address = rest.split([',', ' ']).next().unwrap_or_default();
                    found.send_replace(Some(address.to_owned()));
                }
                log.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let started = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let address = match started {
            Ok(Ok(address)) => address.clone().unwrap(),
            _ => panic!("the relay did not start:\n{}", self.log()),
        };
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
        self.log.lock().unwrap().clone()
    }

    /// Everything it has written to its standard output so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// An address on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Starts a GET.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// Starts a POST.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Pushes a notification to a source.
    pub async fn push(&self, source: &str, body: &Value) -> Response {
        self.post(&format!("/webhooks/{source}")).json(body).send().await.unwrap()
    }

    /// Publishes an event whose data is `data`, with an id of its own, and returns the answer.
    pub async fn publish(&self, topic: &str, id: &str, data: &Value) -> Value {
        let request = self.post(&format!("/topics/{topic}/events")).header("idempotency-key", id);
        let answer = request.json(data).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// Opens a stream with this query and, if given, a `Last-Event-ID`.
    pub async fn follow(&self, query: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = self.get(&format!("/events?{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        self.stream(request).await
    }

    /// Sends a request that is answered with a stream.
    pub async fn stream(&self, request: RequestBuilder) -> Stream {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        Stream::new(response)
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
            let (_, path) = tempfile::NamedTempFile::with_suffix(".log").unwrap().keep().unwrap();
            std::fs::write(&path, self.log()).unwrap();
            eprintln!("the relay's log, all of it in {}:\n{}", path.display(), tail(&self.log()));
            return;
        }
        let log = self.log();
        assert!(!log.contains("panicked"), "the relay panicked:\n{}", tail(&log));
        assert!(!log.contains("@example.com"), "an address is in the log:\n{}", tail(&log));
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(40).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
