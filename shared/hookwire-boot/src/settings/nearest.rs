//! "Did you mean" for names.

use super::origin::PREFIX;

/// The known name that `name` is most likely a misspelling of.
///
/// Case and the variables' prefix do not count: `HOOKWIRE_LISTEN` in the file means `listen`.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name = plain(name);
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&name, &plain(candidate));
            (distance, candidate)
        })
        // A third of the letters wrong is still a misspelling; beyond that it is another word.
        .filter(|(distance, candidate)| distance * 3 <= name.len().max(plain(candidate).len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a sentence that names `nearest`, if any.
pub(super) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let prefix = PREFIX.to_ascii_lowercase();
    name.strip_prefix(&prefix).unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["listen", "log", "push_audience", "push_email"];

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let cases = [
            ("lisen", "listen"),
            ("push-audience", "push_audience"),
            ("HOOKWIRE_LISTEN", "listen"),
            ("Push_Emial", "push_email"),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, KNOWN), Some(meant), "{name}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        for name in ["colour", "x", "push", ""] {
            assert_eq!(nearest(name, KNOWN), None, "{name}");
        }
    }
}
