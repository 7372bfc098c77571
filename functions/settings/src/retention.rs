use hookwire_boot::{Bytes, Settings};
use hookwire_log::Retention;

/// Reads how much a log keeps.
pub fn retention(settings: &Settings) -> Retention {
    Retention {
        age: settings.value("retention_age"),
        events: settings.value_in("retention_events", 1..=u64::from(u32::MAX)),
        bytes: settings.value_in("retention_bytes", Bytes(1)..=Bytes(usize::MAX)).0 as u64,
        dedupe_window: settings.value("dedupe_window"),
    }
}
