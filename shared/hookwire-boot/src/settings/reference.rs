//! Values that stand for secrets which are kept elsewhere.

use std::collections::BTreeMap;

/// What such a value begins with. What follows is understood by whoever fetches.
const PREFIXES: [&str; 2] = ["secretsmanager:", "ssm:"];

/// What each reference stands for, or why that could not be had.
pub(super) type Fetched = BTreeMap<String, Result<String, String>>;

pub(super) fn is_reference(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests;
