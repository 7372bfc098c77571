//! The console, in a real browser and on a real relay.

use hookwire_tests::{RelayOptions, gmail_push, token};
use serde_json::json;

use crate::browser::{Browser, Tab};

/// The list's cells that name an event's type.
const TYPES: &str = "#rows .row .cell-type";
/// The list's cells that show the beginning of an event's data.
const DATA: &str = "#rows .row .cell-data";
/// What the list says of the stream itself.
const NOTICES: &str = "#rows .notice .notice-text";
/// The line that says how the stream is.
const STATE: &str = "#state-text";

fn options() -> RelayOptions {
    RelayOptions::default().on_disk().set("RETRY", "100ms")
}

#[tokio::test]
async fn the_console_opens_without_a_complaint_of_the_browser() {
    let relay = options().start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    tab_is_live(&mut browser, tab).await;
    browser.sees(tab, "#ready", "ready").await;
    browser.click(tab, "#help").await;
    browser.sees(tab, "#help-dialog[open] h2", "Keyboard and terms").await;
    assert_eq!(browser.complaints(tab).await, json!([]));
}

#[tokio::test]
async fn a_click_pushes_a_sample_and_the_same_again_is_a_duplicate_without_a_row() {
    let relay = options().start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    tab_is_live(&mut browser, tab).await;
    browser.click(tab, "#sample-send").await;
    browser.sees(tab, "#sample-response .outcome", "appended").await;
    browser.sees(tab, TYPES, "gmail.history").await;
    browser.click(tab, "#sample-again").await;
    browser.sees(tab, "#sample-response .outcome", "duplicate").await;
    // A row of the duplicate would have come before this one.
    browser.click(tab, "#sample-send").await;
    browser.sees(tab, "#sample-response .outcome", "appended").await;
    browser.sees_times(tab, TYPES, "gmail.history", 2).await;
    browser.sees(tab, "#count-events", "2").await;
    assert_eq!(browser.complaints(tab).await, json!([]));
}

#[tokio::test]
async fn a_push_from_outside_appears_with_its_type_and_data() {
    let relay = options().start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    tab_is_live(&mut browser, tab).await;
    relay.push("gmail", &gmail_push("1", "user@example.com", 4_711)).await;
    browser.sees(tab, TYPES, "gmail.history").await;
    browser.sees(tab, DATA, "4711").await;
}

#[tokio::test]
async fn an_event_published_in_the_console_is_shown_in_every_tab() {
    let relay = options().start().await;
    let mut browser = Browser::start();
    let mut tabs = Vec::new();
    for _ in 0..2 {
        let tab = browser.open(&relay.url("/")).await;
        tab_is_live(&mut browser, tab).await;
        tabs.push(tab);
    }
    browser.fill(tabs[0], "#publish-body", r#"{"text": "from the first tab"}"#).await;
    browser.click(tabs[0], "#publish-form button[type=submit]").await;
    browser.sees(tabs[0], "#publish-response .outcome", "appended").await;
    for tab in tabs {
        browser.sees(tab, TYPES, "demo.greeting").await;
        browser.sees(tab, DATA, "from the first tab").await;
        assert_eq!(browser.complaints(tab).await, json!([]));
    }
}

#[tokio::test]
async fn the_console_reconnects_by_itself_and_shows_what_it_missed() {
    let mut relay = options().start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    tab_is_live(&mut browser, tab).await;
    relay.publish("demo", "1", &json!("before")).await;
    browser.sees(tab, DATA, "before").await;
    relay.kill().await;
    browser.sees(tab, STATE, "Reconnecting").await;
    // The page knows one address only: it misses what is published at another.
    let mut elsewhere = options().folder(relay.folder()).start().await;
    elsewhere.publish("demo", "2", &json!("missed")).await;
    elsewhere.kill().await;
    relay.restart().await;
    tab_is_live(&mut browser, tab).await;
    relay.publish("demo", "3", &json!("after")).await;
    browser.sees(tab, DATA, "after").await;
    let shown = browser.sees_times(tab, DATA, "", 3).await;
    assert_eq!(shown, json!(["after", "missed", "before"]), "newest first, each once");
    browser.sees(tab, "#count-reconnects", "1").await;
}

#[tokio::test]
async fn a_relay_with_keys_is_used_with_a_token_that_stays_in_its_tab() {
    // Streams end all the time, so that it also has to come back with the cookie.
    let relay = options().with_keys().set("MAX_LIFETIME", "1s").start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    give_token(&mut browser, tab, "abc").await;
    browser.sees(tab, "#token-error", "three parts").await;
    let alice = token("alice", &json!({ "subscribe": ["**"], "publish": ["demo"] }));
    give_token(&mut browser, tab, &alice).await;
    tab_is_live(&mut browser, tab).await;
    browser.fill(tab, "#publish-body", r#"{"text": "with a token"}"#).await;
    browser.click(tab, "#publish-form button[type=submit]").await;
    browser.sees(tab, "#publish-response .outcome", "appended").await;
    browser.sees(tab, DATA, "with a token").await;
    browser.sees(tab, "#count-reconnects", "3").await;
    tab_is_live(&mut browser, tab).await;
    let addresses = browser.addresses(tab).await.to_string();
    assert!(addresses.contains("ticket=") && !addresses.contains(&alice), "{addresses}");
    let other = browser.open(&relay.url("/")).await;
    browser.sees(other, "#token-dialog[open] h2", "A token for this relay").await;
}

#[tokio::test]
async fn the_console_says_in_words_that_its_token_was_revoked_and_asks_for_another_one() {
    let relay = options().with_keys().start().await;
    let mut browser = Browser::start();
    let tab = browser.open(&relay.url("/")).await;
    give_token(&mut browser, tab, &token("alice", &json!({ "subscribe": ["**"] }))).await;
    tab_is_live(&mut browser, tab).await;
    let root = token("root", &json!({ "admin": true }));
    let revoke = relay.post("/admin/revoke").bearer_auth(root).json(&json!({ "user": "alice" }));
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    browser.sees(tab, NOTICES, "the token was revoked").await;
    browser.sees(tab, "#token-dialog[open] #token-error", "log in again").await;
    browser.sees(tab, STATE, "Closed").await;
}

#[tokio::test]
async fn the_oldest_console_of_a_user_says_in_words_that_a_newer_one_took_its_place() {
    let relay = options().with_keys().set("STREAMS_PER_USER", 1).start().await;
    let mut browser = Browser::start();
    let alice = token("alice", &json!({ "subscribe": ["**"] }));
    let mut tabs = Vec::new();
    for _ in 0..2 {
        let tab = browser.open(&relay.url("/")).await;
        give_token(&mut browser, tab, &alice).await;
        tab_is_live(&mut browser, tab).await;
        tabs.push(tab);
    }
    browser.sees(tabs[0], NOTICES, "a newer stream of the same user took its place").await;
    browser.sees(tabs[0], STATE, "Closed").await;
    tab_is_live(&mut browser, tabs[1]).await;
}

/// Waits until the page asks for a token, and gives it one.
async fn give_token(browser: &mut Browser, tab: Tab, token: &str) {
    browser.sees(tab, "#token-dialog[open] h2", "A token for this relay").await;
    browser.fill(tab, "#token-input", token).await;
    browser.click(tab, "#token-form button[type=submit]").await;
}

async fn tab_is_live(browser: &mut Browser, tab: Tab) {
    browser.sees(tab, STATE, "Live").await;
}
