//! Promises about a whole process: its signals, its panics and its stderr.
//!
//! Each is checked on a process of its own: this very test binary, running one of the ignored tests below.

#![cfg(unix)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use hookwire_boot::{FromSetting, shutdown, telemetry};
use telemetry::{LogFormat, Sentry, SentryConfig, SentryDsn, Telemetry};
use tokio::runtime::Runtime;

/// A process that runs one ignored test, and its stderr.
struct Process {
    child: Child,
    /// `None` once nobody reads it.
    stderr: Option<BufReader<ChildStderr>>,
}

impl Process {
    fn start(test: &str) -> io::Result<Self> {
        Self::start_with(test, None)
    }

    /// As [`Self::start`], with a Sentry.
    fn start_with(test: &str, dsn: Option<&str>) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .envs(dsn.map(|dsn| ("SENTRY_DSN", dsn)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().map(BufReader::new);
        Ok(Self { child, stderr })
    }

    fn stderr(&mut self) -> io::Result<&mut BufReader<ChildStderr>> {
        self.stderr.as_mut().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    /// The next line that contains `text`.
    fn line_with(&mut self, text: &str) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.stderr()?.read_line(&mut line)? == 0 {
                let missing = format!("the process ended without {text:?}");
                return Err(io::Error::other(missing));
            }
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status()?;
        assert!(sent.success(), "{sent}");
        Ok(())
    }

    /// Waits for the end, with the rest of stderr.
    fn end(mut self) -> io::Result<(ExitStatus, String)> {
        let mut rest = String::new();
        self.stderr()?.read_to_string(&mut rest)?;
        Ok((self.child.wait()?, rest))
    }
}

impl Drop for Process {
    // A failed test must not leave a server behind.
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

#[test]
fn the_first_signal_stops_gracefully_whichever_it_is() -> io::Result<()> {
    for name in ["TERM", "INT"] {
        let mut process = Process::start("a_server_that_stops_when_asked")?;
        process.line_with("serving")?;
        process.signal(name)?;
        let line = process.line_with("stopping")?;
        assert!(line.contains(&format!("signal=\"SIG{name}\"")), "{line}");
        let (status, rest) = process.end()?;
        assert!(rest.contains("stopped"), "{rest}");
        assert!(status.success(), "{status}");
    }
    Ok(())
}

#[test]
fn a_second_signal_exits_at_once() -> io::Result<()> {
    let mut process = Process::start("a_server_that_never_stops")?;
    process.line_with("serving")?;
    process.signal("INT")?;
    process.line_with("stopping")?;
    process.signal("TERM")?;
    let (status, rest) = process.end()?;
    assert!(rest.contains("exiting before the stop was complete"), "{rest}");
    assert_eq!(status.code(), Some(128 + 15));
    Ok(())
}

#[test]
fn a_panic_is_counted_and_logged_with_its_place_but_only_a_literal_message() -> io::Result<()> {
    let (status, log) = Process::start("a_program_that_panics")?.end()?;
    assert!(status.success(), "{status}: {log}");
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert_eq!(panics.len(), 2, "{log}");
    for line in &panics {
        assert!(line.contains("tests/process.rs:"), "{line}");
        assert!(line.contains(r#""thread":"worker""#), "{line}");
        assert!(line.contains(r#""level":"ERROR""#), "{line}");
    }
    assert!(panics[0].contains("a literal"), "{log}");
    assert!(!log.contains("alice@example.com"), "{log}");
    Ok(())
}

#[test]
fn panics_are_one_issue_without_what_they_quote() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let dsn = format!("http://key@{}/1", listener.local_addr()?);
    let process = Process::start_with("a_program_that_panics", Some(&dsn))?;
    let mut events = Vec::new();
    for _ in 0..2 {
        let (mut stream, _) = listener.accept()?;
        let mut heard = Vec::new();
        // The event is the last line of the request, and ends with it.
        while !heard.ends_with(b"}\n") && !heard.ends_with(b"}}") {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece)?;
            assert_ne!(read, 0, "the request ends early");
            heard.extend_from_slice(&piece[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
        events.push(String::from_utf8(heard).map_err(io::Error::other)?);
    }
    let (status, log) = process.end()?;
    assert!(status.success(), "{status}: {log}");
    for event in &events {
        assert!(event.contains(r#""fingerprint":["panic"]"#), "{event}");
        assert!(event.contains("tests/process.rs:"), "{event}");
        assert!(!event.contains("alice"), "{event}");
    }
    Ok(())
}

#[test]
fn a_process_outlives_the_reader_of_its_log() -> io::Result<()> {
    let mut process = Process::start("a_server_that_logs_until_its_stdin_ends")?;
    process.line_with("serving")?;
    process.stderr = None;
    drop(process.child.stdin.take());
    let status = process.child.wait()?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[test]
#[ignore = "run as a process of its own"]
fn a_server_that_stops_when_asked() {
    Telemetry::new(LogFormat::Text).start();
    Runtime::new().unwrap().block_on(async {
        let stop = shutdown::on_signal().unwrap();
        tracing::info!("serving");
        stop.cancelled().await;
        tracing::info!("stopped");
    });
}

#[test]
#[ignore = "run as a process of its own"]
fn a_server_that_never_stops() {
    Telemetry::new(LogFormat::Text).start();
    Runtime::new().unwrap().block_on(async {
        let _stop = shutdown::on_signal().unwrap();
        tracing::info!("serving");
        std::future::pending::<()>().await;
    });
}

#[test]
#[ignore = "run as a process of its own"]
#[expect(clippy::disallowed_methods, reason = "it is how this process is told, and no setting")]
fn a_program_that_panics() {
    let sentry = std::env::var("SENTRY_DSN").ok().map(|dsn| {
        let dsn = SentryDsn::from_text(&dsn).unwrap();
        let (environment, runbook) = ("tests".to_owned(), "runbook.md".to_owned());
        let config = SentryConfig { dsn, environment, sample_rate: 1.0, max_events: 60, runbook };
        Sentry::new(config, "tests")
    });
    let layers = sentry.iter().map(Sentry::layer);
    layers.fold(Telemetry::new(LogFormat::Json), Telemetry::layer).start();
    let address = String::from("alice@example.com");
    let threads: [Box<dyn FnOnce() + Send>; 2] =
        [Box::new(|| panic!("a literal")), Box::new(move || panic!("{address} is not expected"))];
    for thread in threads {
        let worker = std::thread::Builder::new().name("worker".to_owned());
        worker.spawn(thread).unwrap().join().unwrap_err();
    }
    assert_eq!(telemetry::panics(), 2);
    if let Some(sentry) = sentry {
        Runtime::new().unwrap().block_on(sentry.flush(Duration::from_secs(30)));
    }
}

#[test]
#[ignore = "run as a process of its own"]
fn a_server_that_logs_until_its_stdin_ends() {
    Telemetry::new(LogFormat::Text).start();
    tracing::info!("serving");
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    tracing::info!("nobody reads this");
    assert_eq!(telemetry::panics(), 0);
}
