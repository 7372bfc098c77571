use std::time::Instant;

use hookwire_log::{AppendError, Appended};

/// Measures how long the log took for an append.
pub(crate) async fn timed(
    append: impl Future<Output = Result<Appended, AppendError>>,
) -> Result<Appended, AppendError> {
    let asked = Instant::now();
    let appended = append.await;
    let outcome = match &appended {
        Ok(Appended::New(_)) => "new",
        Ok(Appended::Duplicate(_)) => "duplicate",
        Err(_) => "failed",
    };
    metrics::histogram!("hookwire_append_duration_seconds", "outcome" => outcome)
        .record(asked.elapsed());
    appended
}
