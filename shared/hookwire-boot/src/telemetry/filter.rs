//! Which lines are logged.

use std::ffi::OsString;

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::InvalidFilter;

/// What is logged when neither the caller nor `RUST_LOG` says otherwise. The storage engine's own start is nobody's
/// business but its authors'.
pub(super) const DEFAULT_FILTER: &str = "info,fjall=warn,lsm_tree=warn";

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

/// The filter, and why it is not the one that was asked for.
pub(super) fn parsed(filter: Option<OsString>) -> (Targets, Option<String>) {
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

/// A filter that somebody wrote while the process runs.
///
/// A word alone would be a target, and a level that is misspelt would silence everything else.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn judged(text: &str) -> Result<Targets, InvalidFilter> {
    let expects = "expects a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) or `target=level`, and several of them \
                   with commas";
    for part in text.split(',').map(str::trim) {
        let level = match part.split_once('=') {
            Some(("", _)) => "",
            Some((_, level)) => level,
            None => part,
        };
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(InvalidFilter(format!("`{part}` has no level; {expects}")));
        }
    }
    text.parse().map_err(|error| InvalidFilter(format!("{error}; {expects}")))
}

/// The filter, without the levels that nobody gets.
pub(super) fn capped(filter: &Targets) -> Targets {
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

/// Everything but those levels.
pub(super) fn everything() -> Targets {
    capped(&Targets::new().with_default(LevelFilter::TRACE))
}

#[cfg(test)]
mod tests {
    use super::*;

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
