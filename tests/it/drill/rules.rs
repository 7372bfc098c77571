use std::path::PathBuf;

/// The rules as they are shipped, with their times cut short: each minute of theirs is two seconds.
pub(super) struct Rules(String);

impl Rules {
    const SECONDS_A_MINUTE: u64 = 2;

    pub(super) fn shipped() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../infra/prometheus/rules.yaml");
        let shipped = std::fs::read_to_string(path).unwrap();
        let mut short = String::new();
        let mut rest = shipped.as_str();
        while let Some(at) = rest.find(|it: char| it.is_ascii_digit()) {
            let (before, from) = rest.split_at(at);
            let digits = from.find(|it: char| !it.is_ascii_digit()).unwrap_or(from.len());
            let (number, after) = from.split_at(digits);
            short.push_str(before);
            let mut next = after.chars();
            let is_alone = !before.ends_with(|it: char| it.is_alphanumeric() || it == '_');
            let is_minutes = is_alone
                && next.next() == Some('m')
                && !next.next().is_some_and(|it| it.is_alphanumeric() || it == '_');
            if is_minutes {
                let minutes: u64 = number.parse().unwrap();
                short.push_str(&format!("{}s", minutes * Self::SECONDS_A_MINUTE));
                rest = &after[1..];
            } else {
                short.push_str(number);
                rest = after;
            }
        }
        short.push_str(rest);
        Self(short)
    }

    /// Has this bound, and not the one that is shipped.
    pub(super) fn bound(self, of: &str, value: &str) -> Self {
        let begins = format!("labels: {{ of: {of} }}, expr: vector(");
        let (before, rest) = self.0.split_once(&begins).expect("the rules have such a bound");
        let (_, after) = rest.split_once(") }").expect("a bound is one line");
        Self(format!("{before}{begins}{value}) }}{after}"))
    }

    pub(super) fn text(&self) -> String {
        self.0.clone()
    }
}

#[test]
fn only_minutes_are_cut_short() {
    let rules = Rules::shipped().text();
    assert!(rules.contains("[10s]") && rules.contains("for: 2s"), "{rules}");
    assert!(!rules.lines().any(|line| line.contains("for: ") && line.ends_with('m')), "{rules}");
}
