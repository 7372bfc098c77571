use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// What a process has written so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    text: Arc<Mutex<String>>,
    shown_as: Option<String>,
}

impl Output {
    /// Shows each line as it comes, behind this name, and keeps none.
    pub(crate) fn shown_as(name: &str) -> Self {
        Self { shown_as: Some(name.to_owned()), ..Self::default() }
    }

    /// Adds everything that comes.
    pub(crate) fn collect(&self, from: impl AsyncRead + Send + Unpin + 'static) {
        self.collect_and_find(from, |_line| None::<()>);
    }

    /// Adds everything that comes, and tells the first thing that is found in a line.
    pub(crate) fn collect_and_find<T: Send + Sync + 'static>(
        &self,
        from: impl AsyncRead + Send + Unpin + 'static,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> watch::Receiver<Option<T>> {
        let (found, tell) = watch::channel(None);
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(it) = find(&line) {
                    found.send_replace(Some(it));
                }
                output.add(&line);
            }
        });
        tell
    }

    fn add(&self, line: &str) {
        match &self.shown_as {
            Some(name) => println!("{name}: {line}"),
            None => self.text.lock().unwrap().extend([line, "\n"]),
        }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Writes it to a file that stays, and shows its end.
    pub(crate) fn show(&self, whose: &str) {
        let (_, path) = tempfile::NamedTempFile::with_suffix(".log").unwrap().keep().unwrap();
        std::fs::write(&path, self.text()).unwrap();
        eprintln!("the log of {whose}, all of it in {}:\n{}", path.display(), self.end());
    }

    /// What a log must never hold, with what is around it.
    pub(crate) fn faults(&self, whose: &str) -> Option<String> {
        let text = self.text();
        if text.contains("panicked") {
            return Some(format!("{whose} panicked:\n{}", self.end()));
        }
        let tells = text.contains("@example.com");
        tells.then(|| format!("an address is in the log of {whose}:\n{}", self.end()))
    }

    fn end(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
