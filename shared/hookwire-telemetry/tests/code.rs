//! The catalogue says what the code does: every metric in it is recorded somewhere, and nothing else is.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hookwire_telemetry::{Kind, METRICS};

const MACROS: [(&str, Kind); 3] =
    [("counter!(", Kind::Counter), ("gauge!(", Kind::Gauge), ("histogram!(", Kind::Histogram)];

/// Recorded by the registry itself, which cannot call its own macros.
const BY_THE_REGISTRY: &str = "hookwire_metrics_overflow_total";

/// What is recorded in the code of the relay, and where first.
fn recorded() -> BTreeMap<String, (Kind, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for crates in ["shared", "functions"] {
        for one in fs::read_dir(root.join(crates)).unwrap() {
            sources(&one.unwrap().path().join("src"), &mut files);
        }
    }
    assert!(files.len() > 100, "the code is not where it is looked for");
    let mut recorded = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Tests stand at the end of a file, and record what does not exist.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (call, kind) in MACROS {
            for (_, rest) in code.match_indices(call).map(|(at, _)| code[at..].split_at(call.len()))
            {
                let name =
                    rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) =
                    name.unwrap_or_else(|| panic!("{file:?}: a metric without its name"));
                let before = recorded.insert(name.to_owned(), (kind, file.clone()));
                let same = before.is_none_or(|(before, _)| before == kind);
                assert!(same, "{name} is of two kinds, also in {file:?}");
            }
        }
    }
    recorded
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_metric_that_is_recorded_is_in_the_catalogue_with_its_kind() {
    for (name, (kind, file)) in recorded() {
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} of {file:?} is not in the catalogue"));
        assert_eq!(metric.kind, kind, "{name} of {file:?}");
    }
}

#[test]
fn every_metric_of_the_catalogue_is_recorded() {
    let recorded = recorded();
    let missing: Vec<_> = METRICS
        .iter()
        .map(|metric| metric.name)
        .filter(|name| *name != BY_THE_REGISTRY && !recorded.contains_key(*name))
        .collect();
    assert!(missing.is_empty(), "nothing records {missing:?}");
}
