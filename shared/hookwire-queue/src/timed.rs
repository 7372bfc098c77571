use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use hookwire_log::{AppendError, Appended};
use metrics::Histogram;

/// Measures how long the log takes for appends. Each outcome is looked up once, when it comes for the first time.
#[derive(Default)]
pub(crate) struct Timed {
    new: OnceLock<Histogram>,
    duplicate: OnceLock<Histogram>,
    failed: OnceLock<Histogram>,
}

impl Timed {
    pub(crate) async fn append(
        &self,
        append: impl Future<Output = Result<Appended, AppendError>>,
    ) -> Result<Appended, AppendError> {
        let asked = Instant::now();
        let appended = append.await;
        let (histogram, outcome) = match &appended {
            Ok(Appended::New(_)) => (&self.new, "new"),
            Ok(Appended::Duplicate(_)) => (&self.duplicate, "duplicate"),
            Err(_) => (&self.failed, "failed"),
        };
        let named =
            || metrics::histogram!("hookwire_append_duration_seconds", "outcome" => outcome);
        histogram.get_or_init(named).record(asked.elapsed());
        appended
    }
}

impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timed")
    }
}
