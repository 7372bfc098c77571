use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

/// What is printed, and written as JSON.
#[derive(Debug, Default)]
pub struct Report(Map<String, Value>);

impl Report {
    pub fn note(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub fn say(&self, line: &str) -> anyhow::Result<()> {
        Ok(writeln!(std::io::stdout(), "{line}")?)
    }

    /// Prints a table under a title and keeps its figures.
    pub fn table(
        &mut self,
        title: &str,
        name: &str,
        table: &Table,
        figures: Value,
    ) -> anyhow::Result<()> {
        self.say(&format!("\n{title}\n{}", table.text()))?;
        self.note(name, figures);
        Ok(())
    }

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.0)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        self.say(&format!("\nwritten to {}", path.display()))
    }
}

/// Lines of cells, the first line being the heads.
#[derive(Debug)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self(vec![heads.map(str::to_owned).to_vec()])
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push(cells.to_vec());
    }

    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate();
            let cells = cells.map(|(n, cell)| format!("{cell:<width$}", width = width(n)));
            format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
