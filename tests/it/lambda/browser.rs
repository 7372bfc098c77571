//! A page in a real browser, whose streams end at every deadline.

use std::time::Duration;

use hookwire_tests::token;
use serde_json::json;

use super::deployed;
use crate::access::Site;
use crate::browser::Browser;

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
    browser.sees(tab, "#open-1", "").await;
    let mut published = Vec::new();
    for open in 2..=4 {
        for _ in 0..5 {
            let n = published.len();
            functions.publish("a", &n.to_string(), &json!(n)).await;
            published.push(n.to_string());
        }
        browser.sees(tab, &format!("#open-{open}"), "").await;
    }
    functions.publish("a", "last", &json!("last")).await;
    published.push("last".to_owned());
    browser.sees(tab, "#seen .event:last-of-type", "last").await;
    let seen = browser.sees_times(tab, "#seen .event", "", published.len() as u64).await;
    assert_eq!(seen, json!(published));
    browser.sees_times(tab, "#seen .gap", "", 0).await;
}
