use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use hookwire_redis_server::ServerOptions;
use redis::{Client, Connection, InfoDict, cmd};
use rustix::process::{Pid, Signal, kill_process};

use crate::cores::pin;
use crate::disk::Scratch;
use crate::server::Site;

/// A Redis of its own on the server's core; it ends with this value, and with this process.
#[derive(Debug)]
pub struct Redis {
    keeper: Child,
    pub url: String,
    pub pid: u32,
    _folder: Scratch,
}

impl Site {
    /// Starts a Redis that has nothing in it yet.
    pub fn redis(&self) -> anyhow::Result<Redis> {
        let folder = Scratch::new(&self.folder, "redis")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("keep-redis").arg(folder.path());
        if let Some(cores) = self.cores {
            command.arg("--core").arg(cores.server.to_string());
        }
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = keeper.stdout.take().context("standard output is piped")?;
        // From here on every way out ends the process.
        let mut redis = Redis { keeper, url: String::new(), pid: 0, _folder: folder };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let (pid, url) = line.trim().split_once(' ').context("Redis could not be started")?;
        (redis.pid, redis.url) = (pid.parse()?, url.to_owned());
        Ok(redis)
    }
}

/// Keeps a Redis until standard input ends, as it does when the process that measures is gone, however it went.
pub fn keep(folder: &Path, core: Option<usize>) -> anyhow::Result<()> {
    if let Some(core) = core {
        pin(core)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = ServerOptions::default().folder(folder);
        // A rewrite of the append-only file takes a fork and a core, and would fall into one round and not the next.
        let redis = options
            .set("auto-aof-rewrite-percentage", 0)
            .set("appendfsync", "everysec")
            .start()
            .await;
        writeln!(std::io::stdout(), "{} {}", redis.pid().as_raw_nonzero(), redis.url())?;
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

impl Redis {
    /// Entries of all streams in it.
    pub fn entries(&self) -> anyhow::Result<u64> {
        let mut connection = self.connection()?;
        let mut scan = cmd("SCAN");
        // Few keys and a large count: one answer has them all.
        scan.arg(0).arg("COUNT").arg(100_000).arg("TYPE").arg("stream");
        let (_end, streams): (u64, Vec<String>) = scan.query(&mut connection)?;
        let lengths = streams.iter().map(|key| cmd("XLEN").arg(key).query::<u64>(&mut connection));
        Ok(lengths.sum::<redis::RedisResult<_>>()?)
    }

    /// Calls of scripts that it knew by their digest.
    pub fn script_calls(&self) -> anyhow::Result<u64> {
        let info: InfoDict = cmd("INFO").arg("commandstats").query(&mut self.connection()?)?;
        let Some(line) = info.get::<String>("cmdstat_evalsha") else { return Ok(0) };
        let calls = line.split(',').find_map(|field| field.strip_prefix("calls="));
        Ok(calls.context("no calls in the statistics of EVALSHA")?.parse()?)
    }

    /// Ends it as a power cut does, with [`Signal::KILL`], or stops it in its tracks, with [`Signal::STOP`].
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid.cast_signed()).context("a process has a number")?;
        Ok(kill_process(pid, signal)?)
    }

    fn connection(&self) -> anyhow::Result<Connection> {
        Ok(Client::open(self.url.as_str())?.get_connection()?)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
