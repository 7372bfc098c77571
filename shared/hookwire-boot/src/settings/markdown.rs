//! The README's table of settings.

use super::Key;

/// A Markdown table of `keys`, in their order, ending in a newline.
#[must_use]
pub fn markdown_table(keys: &[Key]) -> String {
    let mut table = String::from(
        "| Variable | In `hookwire.toml` | Default | Example | Meaning |\n\
         |---|---|---|---|---|\n",
    );
    for key in keys {
        table.push_str(&format!("| {} {}", code(&key.variable()), row(key)));
    }
    table
}

/// The same of the keys of a `[[table]]`, which have no variables.
#[must_use]
pub fn markdown_table_in_file(keys: &[Key]) -> String {
    let head = "| In its table | Default | Example | Meaning |\n|---|---|---|---|\n".to_owned();
    keys.iter().map(row).fold(head, |table, row| table + &row)
}

fn row(key: &Key) -> String {
    let columns = [
        code(key.name),
        key.default.map(code).unwrap_or_default(),
        code(key.example),
        cell(key.about),
    ];
    format!("| {} |\n", columns.join(" | "))
}

fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("`{}`", cell(text))
}

/// GitHub ends a cell at every `|` that is not escaped, in code spans too.
/// Source: <https://github.github.com/gfm/#example-200>
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_one_row_per_key_and_escapes_what_would_end_a_cell() {
        let keys = [
            Key {
                name: "listen",
                default: Some("127.0.0.1:8080"),
                secret: false,
                example: "0.0.0.0:80",
                about: "Address to listen on.",
            },
            Key {
                name: "log_format",
                default: None,
                secret: false,
                example: "",
                about: "`text|json`.",
            },
        ];
        assert_eq!(
            markdown_table(&keys),
            "| Variable | In `hookwire.toml` | Default | Example | Meaning |\n\
             |---|---|---|---|---|\n\
             | `HOOKWIRE_LISTEN` | `listen` | `127.0.0.1:8080` | `0.0.0.0:80` | Address to listen on. |\n\
             | `HOOKWIRE_LOG_FORMAT` | `log_format` |  |  | `text\\|json`. |\n"
        );
    }
}
