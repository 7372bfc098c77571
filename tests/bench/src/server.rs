use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::ValueEnum;

use crate::baseline::Pacing;
use crate::cores::Cores;
use crate::dialect::Dialect;
use crate::disk::Scratch;
use crate::load::Load;

/// Where things are, and which core serves.
#[derive(Debug)]
pub struct Site {
    pub cores: Option<Cores>,
    /// A copy of the relay, so that a build in the middle of a run changes nothing.
    pub relay: PathBuf,
    /// What a run leaves behind is in here.
    pub folder: PathBuf,
}

/// A server in a process of its own; it ends with this value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    log: Option<JoinHandle<()>>,
    /// Whether its complaints are what the measurement is after.
    hushed: Arc<AtomicBool>,
    pub address: SocketAddr,
    /// How it is published to and followed.
    pub dialect: Dialect,
    /// From before the start until it said that it listens.
    pub started_in: Duration,
    /// What it writes.
    _folder: Option<Scratch>,
}

impl Site {
    const PATIENCE: Duration = Duration::from_secs(120);

    /// Starts the relay over this log.
    pub fn relay(&self, log: &str) -> anyhow::Result<Server> {
        self.relay_with(log, &[])
    }

    /// Starts the relay over this log, with these variables besides.
    pub fn relay_with(&self, log: &str, variables: &[(&str, &str)]) -> anyhow::Result<Server> {
        let mut command = self.leashed(&self.relay)?;
        command.env("HOOKWIRE_LISTEN", "127.0.0.1:0").env("HOOKWIRE_LOG", log);
        // A round publishes more than a topic keeps by default, and the slowest stream must still find it.
        command.env("HOOKWIRE_RETENTION_EVENTS", "2000000");
        command.env("HOOKWIRE_RETENTION_BYTES", "1GiB");
        // Thousands of streams are to open in one go, which one address would not do elsewhere.
        command.env("HOOKWIRE_ACCEPT_RATE", "1000000");
        command.envs(variables.iter().copied());
        Self::start(command).context("the relay")
    }

    /// Starts the bare server.
    pub fn baseline(&self, pacing: Pacing) -> anyhow::Result<Server> {
        let mut command = self.leashed(&std::env::current_exe()?)?;
        let pacing = pacing.to_possible_value().context("a pacing has a name")?;
        command.args(["serve-baseline", pacing.get_name()]);
        Self::start(command).context("the baseline")
    }

    /// Starts a stock axum server that takes publishes, and keeps something in this Redis for each.
    pub fn axum(&self, redis: Option<&str>) -> anyhow::Result<Server> {
        let mut command = self.leashed(&std::env::current_exe()?)?;
        command.arg("serve-axum").args(redis);
        Self::start(command).context("axum")
    }

    /// A command that runs on the server's core and dies with this process.
    pub fn leashed(&self, program: &Path) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command.arg("run-leashed");
        if let Some(cores) = self.cores {
            command.arg("--core").arg(cores.server.to_string());
        }
        command.arg("--").arg(program);
        Ok(command)
    }

    fn start(mut command: Command) -> anyhow::Result<Server> {
        let start = Instant::now();
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = process.stderr.take().context("standard error is piped")?;
        let (found, address) = mpsc::channel();
        let hushed = Arc::new(AtomicBool::new(false));
        let is_hushed = Arc::clone(&hushed);
        let log = std::thread::spawn(move || listen_to(stderr, &found, &is_hushed));
        // From here on every way out ends the process.
        let mut server = Server {
            process,
            log: Some(log),
            hushed,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            dialect: Dialect::Relay,
            started_in: Duration::ZERO,
            _folder: None,
        };
        let (listened_at, address) = address.recv_timeout(Self::PATIENCE).context("not started")?;
        server.started_in = listened_at - start;
        server.address = address;
        Ok(server)
    }
}

impl Server {
    /// Starts one that does not say that it listens.
    pub fn start_at(
        mut command: Command,
        address: SocketAddr,
        dialect: Dialect,
        folder: Scratch,
    ) -> anyhow::Result<Self> {
        let start = Instant::now();
        let process = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        let mut server = Self {
            process,
            log: None,
            hushed: Arc::default(),
            address,
            dialect,
            started_in: Duration::ZERO,
            _folder: Some(folder),
        };
        while TcpStream::connect(address).is_err() {
            let ended = server.process.try_wait()?;
            ensure!(ended.is_none(), "it ended: {ended:?}");
            ensure!(start.elapsed() < Site::PATIENCE, "nobody listens at {address}");
            std::thread::yield_now();
        }
        server.started_in = start.elapsed();
        Ok(server)
    }

    /// What loads it.
    pub fn load(&self) -> anyhow::Result<Load> {
        Load::new(self.address, self.dialect)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Passes on no complaint from here on: it is given reason to.
    pub fn hush(&self) {
        self.hushed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; what matters is that it is gone.
        drop(self.process.kill());
        drop(self.process.wait());
        // Its last words come out before what the load says about it.
        drop(self.log.take().map(JoinHandle::join));
    }
}

/// Finds the address in what a server logs, and passes on what it complains about.
fn listen_to(
    stderr: ChildStderr,
    found: &mpsc::Sender<(Instant, SocketAddr)>,
    hushed: &AtomicBool,
) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let address = line.split_once("listening on http://").map(|(_, rest)| rest);
        let address = address.and_then(|rest| rest.split([',', ' ']).next()?.parse().ok());
        if let Some(address) = address {
            // Nobody waits for it any more when it came too late.
            let _late = found.send((Instant::now(), address));
        } else if is_complaint(&line) && !hushed.load(Ordering::Relaxed) {
            eprintln!("  server: {line}");
        }
    }
}

/// What is so on purpose: the Redis of a measurement is alone, its SQS drops messages after four days, and what is
/// drained is late.
const KNOWN: [&str; 3] =
    ["no replica is connected", "drops messages after 96 hours", "events may come late"];

fn is_complaint(line: &str) -> bool {
    let is_known = KNOWN.iter().any(|known| line.contains(known));
    !is_known && ["WARN", "ERROR", "rror:", "panicked"].iter().any(|word| line.contains(word))
}
