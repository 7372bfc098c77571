use std::collections::HashSet;

use metrics::{counter, gauge, histogram, with_local_recorder};

use super::*;

fn emf(registry: &Registry) -> Emf {
    let config = EmfConfig { namespace: "Hookwire".to_owned(), function: "receive" };
    Emf::new(registry.clone(), config)
}

fn documents(lines: &str) -> Vec<Json> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

/// What the specification says of a document, beside what JSON says.
fn assert_valid(document: &Json) {
    let root = document.as_object().unwrap();
    let metadata = root["_aws"].as_object().unwrap();
    let members: HashSet<_> = metadata.keys().map(String::as_str).collect();
    assert_eq!(members, HashSet::from(["Timestamp", "CloudWatchMetrics"]));
    assert!(metadata["Timestamp"].is_u64());
    for directive in metadata["CloudWatchMetrics"].as_array().unwrap() {
        let namespace = directive["Namespace"].as_str().unwrap();
        assert!((1..=1024).contains(&namespace.len()));
        for dimensions in directive["Dimensions"].as_array().unwrap() {
            let dimensions = dimensions.as_array().unwrap();
            assert!(dimensions.len() <= 30);
            for dimension in dimensions {
                let value = root[dimension.as_str().unwrap()].as_str().unwrap();
                assert!((1..=1024).contains(&value.len()) && value.is_ascii(), "{value}");
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            assert!(["Count", "Seconds", "Bytes"].contains(&metric["Unit"].as_str().unwrap()));
            match &root[metric["Name"].as_str().unwrap()] {
                Json::Number(_) => {}
                Json::Object(told) => {
                    let numbers = |name: &str| {
                        let numbers = told[name].as_array().unwrap().iter();
                        numbers.map(|number| number.as_f64().unwrap()).collect::<Vec<_>>()
                    };
                    let (values, counts) = (numbers("Values"), numbers("Counts"));
                    assert!((1..=100).contains(&values.len()) && values.len() == counts.len());
                    assert_eq!(counts.iter().sum::<f64>(), told["Count"].as_f64().unwrap());
                    assert_eq!(values[0], told["Min"].as_f64().unwrap());
                    assert_eq!(values[values.len() - 1], told["Max"].as_f64().unwrap());
                }
                other => panic!("a metric is {other}"),
            }
        }
    }
}

#[test]
fn every_line_is_what_the_specification_says() {
    let registry = Registry::new();
    with_local_recorder(&registry, || {
        for source in ["gmail", "orders"] {
            let labels = [("source", source), ("outcome", "appended")];
            counter!("hookwire_webhooks_total", &labels).increment(2);
            for ms in 1..1_000 {
                histogram!("hookwire_webhook_duration_seconds", "source" => source)
                    .record(f64::from(ms) / 1_000.0);
            }
        }
        counter!("hookwire_panics_total").increment(1);
        gauge!("hookwire_redis_subscribed").set(1);
        // Not for CloudWatch.
        counter!("hookwire_redis_resubscriptions_total").increment(1);
    });
    let lines = emf(&registry).lines(at(0));
    let documents = documents(&lines);
    documents.iter().for_each(assert_valid);
    // One for what has no labels, and two for each source: its outcome is a dimension, and of its duration it is not.
    assert_eq!(documents.len(), 5, "{lines}");
    assert!(!lines.contains("resubscriptions"), "{lines}");
    let bare = documents.iter().find(|one| one.get("hookwire_panics_total").is_some()).unwrap();
    assert_eq!(bare["hookwire_panics_total"], 1);
    assert_eq!(bare["hookwire_redis_subscribed"], 1.0);
    assert_eq!(bare["function"], "receive");
    let duration = documents.iter().find_map(|one| one.get("hookwire_webhook_duration_seconds"));
    let sum = duration.unwrap()["Sum"].as_f64().unwrap();
    assert!((sum - 499.5).abs() < 1e-6, "{sum}");
}

#[test]
fn a_line_says_what_came_since_the_one_before_and_tenants_are_summed_up() {
    let registry = Registry::new();
    let emf = emf(&registry);
    let open = || {
        for tenant in ["a", "b"] {
            counter!("hookwire_streams_opened_total", "tenant" => tenant).increment(2);
            gauge!("hookwire_streams_open", "tenant" => tenant).increment(2.0);
        }
        histogram!("hookwire_delivery_latency_seconds").record(0.002);
    };
    for round in 1..=2 {
        with_local_recorder(&registry, open);
        let documents = documents(&emf.lines(at(round)));
        assert_eq!(documents.len(), 1);
        let [document] = documents.try_into().unwrap();
        assert_valid(&document);
        assert_eq!(document["hookwire_streams_opened_total"], 4);
        assert_eq!(document["hookwire_streams_open"], 4.0 * round as f64);
        assert_eq!(document["hookwire_delivery_latency_seconds"]["Count"], 1);
        assert!(document.get("tenant").is_none());
    }
    let documents = documents(&emf.lines(at(3)));
    assert!(documents[0].get("hookwire_streams_opened_total").is_none(), "nothing came");
    assert!(documents[0].get("hookwire_delivery_latency_seconds").is_none(), "nothing came");
}

#[test]
fn it_is_written_every_ten_seconds_and_at_once_when_somebody_waits_to_hear() {
    let registry = Registry::new();
    let emf = emf(&registry);
    assert!(emf.is_due(at(0)), "the first time");
    emf.lines(at(0));
    assert!(!emf.is_due(at(9)));
    assert!(emf.is_due(at(10)));
    let answered = |status| {
        let labels = [("route", "/events"), ("status", status)];
        counter!("hookwire_http_responses_total", &labels).increment(1);
    };
    with_local_recorder(&registry, || answered("4xx"));
    assert!(!emf.is_due(at(2)));
    with_local_recorder(&registry, || answered("5xx"));
    assert!(!emf.is_due(at(0)), "not for every invocation of an outage");
    assert!(emf.is_due(at(2)));
    emf.lines(at(2));
    assert!(!emf.is_due(at(4)), "it was told");
    assert!(emf.is_due(at(0) - Duration::from_secs(60)), "a clock that went back");
}
