//! Logs to stderr, as text or JSON, and panics among them.

mod panics;

use std::env::var_os;
use std::ffi::OsString;
use std::io::{self, IsTerminal};

use tracing::{Dispatch, warn};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::FromSetting;

pub use panics::panics;

/// What is logged when neither the caller nor `RUST_LOG` says otherwise. The storage engine's own start is nobody's
/// business but its authors'.
const DEFAULT_FILTER: &str = "info,fjall=warn,lsm_tree=warn";

/// Whose finer levels print what was sent and received, and with it addresses and payloads: never logged, whatever is
/// asked for.
const CAPPED: [&str; 12] = [
    "aws_config",
    "aws_runtime",
    "aws_sdk_sqs",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "hyper",
    "hyper_util",
    "lambda_http",
    "lambda_runtime",
    "lambda_runtime_api_client",
    "reqwest",
];

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object per line, for a log collector.
    Json,
}

impl FromSetting for LogFormat {
    const EXPECTS: &'static str = "text or json";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(String::new()),
        }
    }
}

/// Logs to stderr from now on; panics are logged and counted.
///
/// `filter` is written like `RUST_LOG`, `level` or `target=level` and several of them with commas, and overrides it; without
/// either it is `info`, and that also stands in for one that does not parse, with a warning. Call it once, before there are threads that may panic.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let filter = filter.map(OsString::from).or_else(|| var_os("RUST_LOG"));
    let (filter, refused) = parsed(filter);
    // An empty NO_COLOR does not count. Source: <https://no-color.org>
    let colour = io::stderr().is_terminal() && var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let started = logger(format, &filter, colour, io::stderr).try_init();
    panics::install();
    if let Err(error) = started {
        warn!(%error, "logging was started before");
    }
    if let Some(refused) = refused {
        warn!("{refused}; logging at `{DEFAULT_FILTER}` instead");
    }
}

/// The filter, and why it is not the one that was asked for.
fn parsed(filter: Option<OsString>) -> (Targets, Option<String>) {
    let refused = match filter.filter(|text| !text.is_empty()).map(OsString::into_string) {
        None => None,
        Some(Err(_)) => Some("the log filter is not valid UTF-8".to_owned()),
        Some(Ok(text)) => match text.parse() {
            Ok(filter) => return (filter, None),
            Err(error) => Some(format!("the log filter `{text}` does not parse: {error}")),
        },
    };
    (DEFAULT_FILTER.parse().unwrap_or_default(), refused)
}

/// The filter, without the levels that nobody gets.
fn capped(filter: &Targets) -> Targets {
    let is_capped = |target: &str| {
        CAPPED.iter().any(|capped| {
            target
                .strip_prefix(capped)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    let most = |target: &str, level: LevelFilter| match is_capped(target) {
        true => level.min(LevelFilter::INFO),
        false => level,
    };
    let general = filter.default_level().unwrap_or(LevelFilter::OFF);
    let asked = filter.iter().map(|(target, level)| (target.to_owned(), most(target, level)));
    let asked: Vec<_> = asked.collect();
    let rest = CAPPED.iter().filter(|capped| !asked.iter().any(|(target, _)| target == *capped));
    let rest: Vec<_> = rest.map(|capped| (*capped, general.min(LevelFilter::INFO))).collect();
    Targets::new().with_default(general).with_targets(rest).with_targets(asked)
}

fn logger<W>(format: LogFormat, filter: &Targets, colour: bool, writer: W) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = capped(filter);
    let builder = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(writer)
        // Otherwise a line that cannot be written is reported by `eprintln!`, which panics when stderr is gone: the
        // death of a log collector would kill every task that logs.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.with_ansi(colour).finish().with(filter).into(),
        LogFormat::Json => builder.json().flatten_event(true).finish().with(filter).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info};

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

    /// What a small program logs.
    fn logged(format: LogFormat, filter: Option<&str>) -> String {
        let log = Log::default();
        let writer = log.clone();
        let (filter, refused) = parsed(filter.map(OsString::from));
        assert_eq!(refused, None);
        let logger = logger(format, &filter, false, move || writer.clone());
        tracing::dispatcher::with_default(&logger, || {
            info!(lag_events = 3, "caught up");
            debug!("appended event");
            tracing::trace!(target: "aws_smithy_runtime", "the body of a request");
            tracing::debug!(target: "aws_smithy_runtime::client::http", "the body of a request");
            tracing::trace!(target: "lambda_runtime::layers", "the body of an event");
        });
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
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
    fn a_filter_that_does_not_parse_is_told_and_info_stands_in() {
        let (filter, refused) = parsed(Some("hookwire=loud=er".into()));
        assert_eq!(filter, DEFAULT_FILTER.parse().unwrap());
        let refused = refused.unwrap();
        assert!(refused.contains("hookwire=loud=er"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn a_filter_that_is_not_utf8_is_told_and_info_stands_in() {
        use std::os::unix::ffi::OsStringExt;
        let (filter, refused) = parsed(Some(OsString::from_vec(vec![0xff])));
        assert_eq!(filter, DEFAULT_FILTER.parse().unwrap());
        assert_eq!(refused.unwrap(), "the log filter is not valid UTF-8");
    }
}
