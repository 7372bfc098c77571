//! A page in a real browser, whose streams end at every deadline.

use std::time::Duration;

use hookwire_tests::token;
use serde_json::json;

use super::deployed;
use crate::access::Site;
use crate::browser::Browser;

/// The first event that the page was shown.
const FIRST: &str = "#seen .event:not(.event ~ .event)";

#[tokio::test]
async fn a_page_sees_each_event_once_and_in_order_over_many_deadlines() {
    let site = Site::start("127.0.0.1", token("alice", &json!({ "subscribe": ["a"] }))).await;
    let (_redis, functions) = deployed(|options| {
        let options = options.set("CORS_ORIGINS", &site.origin).set("RETRY", "100ms");
        options.timeout(Duration::from_secs(4))
    })
    .await;
    let mut browser = Browser::start();
    let tab = browser.open(&site.follows(&functions.gateway.front())).await;
    // Its stream begins live, and nobody says when, so it is told until it hears.
    let tell = async {
        for n in 0.. {
            functions.publish("a", &format!("before {n}"), &json!("before")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = browser.sees(tab, FIRST, "before") => {}
        () = tell => {}
    }
    let mut published = Vec::new();
    let publish = async |published: &mut Vec<String>| {
        let event = format!("event {}", published.len());
        functions.publish("a", &event, &json!(event)).await;
        published.push(event);
    };
    for open in 2..=4 {
        for _ in 0..5 {
            publish(&mut published).await;
        }
        browser.sees(tab, &format!("#open-{open}"), "").await;
    }
    publish(&mut published).await;
    let times = published.len() as u64;
    let seen = browser.sees_times(tab, "#seen .event", "event", times).await;
    assert_eq!(seen, json!(published));
    browser.sees_times(tab, "#seen .gap", "", 0).await;
}
