use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, Value, cmd};
use rustix::process::{Pid, Signal};

use crate::options::Role;
use crate::patience::Patience;
use crate::port::Port;
use crate::process::Process;
use crate::{Certificates, PATIENCE, ServerOptions};

/// How long a server that is starting may keep a single question waiting before it is asked again.
const QUESTION: Duration = Duration::from_secs(1);

/// A `redis-server` process on 127.0.0.1.
///
/// It is killed when this value is dropped, also while it is paused, and its folder is removed if it is its own.
#[derive(Debug)]
pub struct Server {
    // Dropped first: it must be gone before its folder is.
    process: Process,
    folder: PathBuf,
    port: Port,
    options: ServerOptions,
    certificates: Option<Certificates>,
    bus: Option<Port>,
    _own: Option<tempfile::TempDir>,
}

impl Server {
    /// A server with default options.
    pub async fn start() -> Self {
        ServerOptions::default().start().await
    }

    pub(crate) async fn run(
        options: ServerOptions,
        folder: PathBuf,
        own: Option<tempfile::TempDir>,
        port: Port,
        bus: Option<Port>,
    ) -> Self {
        let certificates = options.tls.then(|| Certificates::make(&folder));
        let config = options.config(&folder, port.number(), bus.as_ref().map(Port::number));
        // Written once and not again at a restart: Sentinel has it rewritten when it promotes or demotes a server.
        std::fs::write(folder.join(CONFIG), config).unwrap();
        let process = launch(&folder, options.role);
        let mut server = Self { process, folder, port, options, certificates, bus, _own: own };
        server.ready().await;
        server
    }

    async fn ready(&mut self) {
        let patience = Patience::until("redis-server answers");
        // Whoever else listens on a chosen port would answer as well, so that it must say which process it is.
        let itself = format!("process_id:{}\r\n", self.pid().as_raw_nonzero());
        let info = cmd("INFO");
        let loaded = |info: String| info.contains(&itself) && !info.contains("loading:1");
        while !self.try_call(&info, QUESTION).await.is_ok_and(loaded) {
            assert!(!self.process.has_ended(), "redis-server did not start");
            patience.pause().await;
        }
    }

    /// Where it is, as a client wants it: `redis://127.0.0.1:6379/`, with TLS `rediss://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.options.tls { "rediss" } else { "redis" };
        format!("{scheme}://{}/", self.address())
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where a node of a cluster listens for the other nodes.
    pub(crate) fn bus_port(&self) -> u16 {
        self.bus.as_ref().expect("it is a node of a cluster").number()
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a client must show, if it was started with TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Everything it has logged, before its restarts too.
    #[must_use]
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Ends the process as a power cut does, and waits until it is gone. What the kernel has taken stays written.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Ends the process and takes from its append-only file what was written within the last `lost`, as a power cut does
    /// between two syncs. That time passes here.
    pub async fn kill_and_lose(&mut self, lost: Duration) {
        let file = self.append_only_file();
        let kept_bytes = file.metadata().unwrap().len();
        tokio::time::sleep(lost).await;
        self.kill().await;
        file.set_len(kept_bytes).unwrap();
    }

    /// Where the server appends what is written; the file is another one after each rewrite.
    fn append_only_file(&self) -> std::fs::File {
        let files = std::fs::read_dir(self.folder.join("appendonlydir")).unwrap();
        let mut paths = files.map(|file| file.unwrap().path());
        let path = paths.find(|path| path.to_string_lossy().ends_with(".incr.aof")).unwrap();
        std::fs::OpenOptions::new().write(true).open(path).unwrap()
    }

    /// Asks the process to end, and waits until it has.
    pub async fn terminate(&mut self) {
        self.process.signal(Signal::TERM);
        self.process.ended().await;
    }

    /// Starts a server that has ended again, on the same port and folder, and waits until it answers.
    pub async fn restart(&mut self) {
        assert!(self.process.has_ended(), "kill or terminate the server first");
        self.process = launch(&self.folder, self.options.role);
        self.ready().await;
    }

    /// Stops the process in its tracks: connections stay open and new ones are accepted, but nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// A client of it, with the certificates that it asks for.
    #[must_use]
    pub fn client(&self) -> Client {
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(self.url(), certificates.read()),
            None => Client::open(self.url()),
        }
        .unwrap()
    }

    /// A new connection to it.
    pub async fn connect(&self) -> MultiplexedConnection {
        self.try_connect(PATIENCE).await.expect("redis-server takes a connection")
    }

    /// One field of `INFO`, or nothing if the server has no such field now.
    pub async fn info(&self, field: &str) -> Option<String> {
        let text: String = self.call(&cmd("INFO")).await;
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| *name == field).map(|(_, value)| value.to_owned())
    }

    /// Runs one command on a connection of its own, and panics if it fails.
    pub async fn query(&self, command: &[&str]) -> Value {
        self.try_query(command).await.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Runs one command on a connection of its own.
    ///
    /// # Errors
    ///
    /// Whatever the client says; a server that does not answer fails after [`PATIENCE`].
    pub async fn try_query(&self, command: &[&str]) -> RedisResult<Value> {
        self.try_call(Cmd::new().arg(command), PATIENCE).await
    }

    /// Waits until a replica has its copy of the master's data, and is sent what changes.
    pub(crate) async fn follows(&self) {
        let patience = Patience::until("the replica follows its master");
        while self.info("master_link_status").await.as_deref() != Some("up") {
            patience.pause().await;
        }
    }

    pub(crate) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let answer = self.try_call(command, PATIENCE).await;
        answer.unwrap_or_else(|error| panic!("redis-server refuses a command: {error}"))
    }

    pub(crate) async fn try_call<T: FromRedisValue>(
        &self,
        command: &Cmd,
        patience: Duration,
    ) -> RedisResult<T> {
        command.query_async(&mut self.try_connect(patience).await?).await
    }

    async fn try_connect(&self, patience: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        self.client().get_multiplexed_async_connection_with_config(&config).await
    }
}

const CONFIG: &str = "redis.conf";
const LOG: &str = "redis.log";

fn launch(folder: &Path, role: Role) -> Process {
    let config = folder.join(CONFIG);
    let mut arguments = vec![config.to_str().expect("the folder's name is UTF-8")];
    if role == Role::Sentinel {
        arguments.push("--sentinel");
    }
    Process::start(folder, &arguments, &folder.join(LOG))
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(20)..];
            eprintln!("the end of the log of {}:\n{}", self.address(), last.join("\n"));
        }
    }
}
