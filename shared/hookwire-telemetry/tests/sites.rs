//! What is told of in the sources is what the catalogue says, under the same words.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use hookwire_telemetry::INCIDENTS;

/// Every source file of the product with its text, without tests and without the catalogue.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for layer in ["shared", "functions"] {
        for package in read_dir(root.join(layer)).unwrap() {
            let package = package.unwrap().path();
            if !package.ends_with("hookwire-telemetry") {
                collect(&package.join("src"), &mut files);
            }
        }
    }
    assert!(files.len() > 100, "the sources are found");
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let text = read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            files.push((path, product.to_owned()));
        }
    }
}

fn is_in(path: &Path, layer: &str) -> bool {
    path.components().any(|part| part.as_os_str() == layer)
}

/// What stands in quotes after each `before`.
fn quoted_after<'t>(text: &'t str, before: &str) -> Vec<&'t str> {
    let after = text.split(before).skip(1);
    after.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn every_incident_that_a_line_names_is_one_of_the_catalogue() {
    let logged = INCIDENTS.iter().filter(|incident| incident.is_logged);
    let logged: HashSet<_> = logged.map(|incident| incident.id).collect();
    let mut sites = 0;
    for (path, text) in sources() {
        for word in quoted_after(&text, "incident =") {
            sites += 1;
            assert!(logged.contains(word), "{}: `{word}`", path.display());
        }
    }
    assert!(sites > 5, "{sites} sites");
}

#[test]
fn every_incident_that_is_said_to_be_logged_has_a_line() {
    // Functions name incidents where they say what is wrong to who asks.
    let crates = sources().into_iter().filter(|(path, _)| !is_in(path, "functions"));
    let all: String = crates.map(|(_, text)| text).collect();
    for incident in INCIDENTS {
        let named = all.matches(&format!("\"{}\"", incident.id)).count();
        assert_eq!(named > 0, incident.is_logged, "{}", incident.id);
    }
}

#[test]
fn an_error_that_is_no_incident_says_the_same_every_time() {
    for (path, text) in sources() {
        for call in text.split("error!(").skip(1) {
            let call = call.split(");\n").next().unwrap();
            let words: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
            let varies = words.iter().any(|word| word.contains('{'));
            assert!(!varies || call.contains("incident ="), "{}: {call}", path.display());
        }
    }
}
