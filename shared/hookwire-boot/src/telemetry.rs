//! Logs to stderr, as text or JSON, and panics among them; other layers hear the same.

mod counted;
mod filter;
mod format;
mod log_filter;
mod panics;
mod sentry;

use std::env::var_os;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal};

use counted::Counted;
use filter::{DEFAULT_FILTER, everything, parsed};
use tracing::{Dispatch, warn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use format::LogFormat;
pub use log_filter::{InvalidFilter, LogFilter};
pub use panics::panics;
pub use sentry::{Sentry, SentryConfig, SentryDsn};

/// What hears of spans and events beside the log.
pub type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// How a process tells of itself, until it is started.
#[must_use = "nothing is logged before `start`"]
pub struct Telemetry {
    format: LogFormat,
    filter: Option<OsString>,
    layers: Vec<BoxedLayer>,
}

impl Telemetry {
    /// Lines in this format, as `RUST_LOG` asks for them.
    ///
    /// It is written `level` or `target=level`, and several of them with commas. Without it the level is `info`, and that
    /// also stands in for one that does not parse, with a warning.
    pub fn new(format: LogFormat) -> Self {
        Self { format, filter: var_os("RUST_LOG"), layers: Vec::new() }
    }

    /// Logs what this filter says instead.
    pub fn filter(mut self, filter: &str) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Has this layer hear everything, whatever is logged: it has to filter for itself. Only what would print payloads is kept
    /// from it as from the log.
    pub fn layer(mut self, layer: BoxedLayer) -> Self {
        self.layers.push(layer.with_filter(everything()).boxed());
        self
    }

    /// Tells from now on; panics are logged and counted. Call it once, before there are threads that may panic.
    pub fn start(self) -> LogFilter {
        let (filter, refused) = parsed(self.filter);
        // An empty NO_COLOR does not count. Source: <https://no-color.org>
        let colour = io::stderr().is_terminal() && var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let (filter, reloaded) = LogFilter::new(filter);
        let lines = lines(self.format, colour, io::stderr).with_filter(reloaded).boxed();
        let started = subscriber(lines, self.layers).try_init();
        panics::install();
        if let Err(error) = started {
            warn!(%error, "logging was started before");
        }
        if let Some(refused) = refused {
            warn!("{refused}; logging at `{DEFAULT_FILTER}` instead");
        }
        filter
    }
}

impl fmt::Debug for Telemetry {
    // Not derived: layers have no Debug.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("format", &self.format).finish_non_exhaustive()
    }
}

fn subscriber(lines: BoxedLayer, mut layers: Vec<BoxedLayer>) -> Dispatch {
    layers.push(lines);
    Registry::default().with(layers).into()
}

/// The layer that writes the log, and counts its lines.
fn lines<W>(format: LogFormat, colour: bool, writer: W) -> BoxedLayer
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        // Otherwise a line that cannot be written is reported by `eprintln!`, which panics when stderr is gone: the
        // death of a log collector would kill every task that logs.
        .log_internal_errors(false);
    if format.is_text() {
        lines.with_ansi(colour).and_then(Counted).boxed()
    } else {
        lines.json().flatten_event(true).and_then(Counted).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info};
    use tracing_subscriber::filter::Targets;

    use super::*;

    /// Collects what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn read(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn small_program() {
        info!(lag_events = 3, "caught up");
        debug!("appended event");
        tracing::trace!(target: "aws_smithy_runtime", "the body of a request");
        tracing::debug!(target: "aws_smithy_runtime::client::http", "the body of a request");
        tracing::trace!(target: "lambda_runtime::layers", "the body of an event");
    }

    /// What a small program logs.
    fn logged(format: LogFormat, filter: Option<&str>) -> String {
        let log = Log::default();
        let writer = log.clone();
        let (filter, refused) = parsed(filter.map(OsString::from));
        assert_eq!(refused, None);
        let lines = lines(format, false, move || writer.clone());
        let lines = lines.with_filter(LogFilter::new(filter).1).boxed();
        tracing::dispatcher::with_default(&subscriber(lines, Vec::new()), small_program);
        log.read()
    }

    #[test]
    fn text_is_plain_where_there_is_no_terminal() {
        let log = logged(LogFormat::Text, None);
        assert!(log.contains("INFO"), "{log}");
        assert!(log.ends_with("caught up lag_events=3\n"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log}");
    }

    #[test]
    fn json_is_one_object_per_line_with_the_fields_at_its_top() {
        let log = logged(LogFormat::Json, None);
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.starts_with('{') && log.ends_with("}\n"), "{log}");
        assert!(log.contains(r#""message":"caught up","lag_events":3"#), "{log}");
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        assert!(!logged(LogFormat::Text, Some("")).contains("appended event"));
        assert!(logged(LogFormat::Text, Some("debug")).contains("appended event"));
        assert_eq!(logged(LogFormat::Text, Some("error")), "");
    }

    #[test]
    fn what_would_print_payloads_is_not_logged_whatever_is_asked_for() {
        for filter in [
            "trace",
            "aws_smithy_runtime=trace",
            "aws_smithy_runtime::client=trace",
            "lambda_runtime=trace",
        ] {
            assert!(!logged(LogFormat::Text, Some(filter)).contains("the body"), "{filter}");
        }
    }

    #[test]
    fn a_layer_hears_what_is_not_logged_but_nothing_that_would_print_payloads() {
        let log = Log::default();
        let writer = log.clone();
        let all = Targets::new().with_default(tracing::Level::TRACE);
        let heard = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let telemetry = Telemetry::new(LogFormat::Text).layer(heard.with_filter(all).boxed());
        let (filter, _) = parsed(Some("error".into()));
        let lines = lines(LogFormat::Text, false, io::sink);
        let lines = lines.with_filter(LogFilter::new(filter).1).boxed();
        tracing::dispatcher::with_default(&subscriber(lines, telemetry.layers), small_program);
        let heard = log.read();
        assert!(heard.contains("appended event"), "{heard}");
        assert!(!heard.contains("the body"), "{heard}");
    }
}
