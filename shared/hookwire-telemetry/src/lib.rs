//! The names under which the relay tells of itself, each in one place.
//!
//! [`METRICS`] is every metric, with its unit and the labels it may have. [`INCIDENTS`] is every kind of trouble that somebody
//! is told of: a log line with the field `incident` names one, Sentry groups by it, and alarms and the runbook go by the same word.
//! [`Stretch`] decides how often the same trouble is told.

mod incident;
mod markdown;
mod metric;
mod stretch;

pub use incident::{INCIDENTS, Incident, Urgency};
pub use markdown::markdown_table;
pub use metric::{Kind, Label, METRICS, Metric, PROCESS_METRICS, Unit, Values};
pub use stretch::{Over, SharedStretch, Stretch};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_say_their_kind_and_unit_and_each_is_there_once() {
        let mut names = HashSet::new();
        for metric in METRICS {
            let name = metric.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.starts_with("hookwire_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            let timed = name.ends_with("_seconds");
            assert_eq!(timed, metric.unit == Unit::Seconds, "{name}");
            assert!(metric.help.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_list_for_people_is_this_one() {
        let list = include_str!("../../../infra/metrics.md");
        let table = markdown_table();
        assert!(list.contains(&table), "infra/metrics.md should contain this table:\n{table}");
    }

    #[test]
    fn every_incident_has_a_word_an_alert_and_an_alarm_of_its_own() {
        let mut words = HashSet::new();
        for incident in INCIDENTS {
            let all = [Some(incident.id), Some(incident.alert), incident.alarm];
            for word in all.into_iter().flatten() {
                assert!(words.insert(word), "{word} is there twice");
            }
        }
    }
}
