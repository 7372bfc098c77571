//! Pages of other origins, in a real browser with real cookies.

use hookwire_redis_server::Server;
use hookwire_tests::{Relay, RelayOptions, token};
use serde_json::{Value, json};

use super::site::Site;
use crate::browser::{Browser, Tab};

const STATE: &str = "#state";
const EVENTS: &str = "#seen .event";
const CLOSINGS: &str = "#seen .closing";
const EVERYTHING: &str = "#seen li";

/// Every test has one user, who may do everything with the topic.
fn alice() -> String {
    token("alice", &json!({ "subscribe": ["a"], "publish": ["a"] }))
}

fn options() -> RelayOptions {
    RelayOptions::default().with_keys().on_disk().set("RETRY", "100ms")
}

async fn publish(relay: &Relay, data: Value) {
    let request = relay.post("/topics/a/events").bearer_auth(alice()).json(&data);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// Opens the site's page in a tab that follows at the relay with this address, and waits until its stream is open.
async fn open(browser: &mut Browser, site: &Site, relay: &str) -> Tab {
    let tab = browser.open(&site.follows(relay)).await;
    browser.sees(tab, STATE, "open").await;
    tab
}

#[tokio::test]
async fn the_fourth_tab_of_a_user_ends_the_first_for_good_and_the_other_three_go_on() {
    let site = Site::start("127.0.0.1", alice()).await;
    let relay = options().set("CORS_ORIGINS", &site.origin).start().await;
    four_tabs(&site, &[&relay, &relay, &relay, &relay]).await;
}

#[tokio::test]
async fn the_fourth_tab_ends_the_first_when_they_are_at_two_relays() {
    let redis = Server::start().await;
    let site = Site::start("127.0.0.1", alice()).await;
    let options = options().log(redis.url()).set("REDIS_TIMEOUT", "5s");
    let options = options.set("CORS_ORIGINS", &site.origin);
    let (one, two) = tokio::join!(options.clone().start(), options.start());
    four_tabs(&site, &[&one, &two, &one, &two]).await;
}

/// Opens four tabs of one user, each at its own of these relays, which have one log and count streams together.
async fn four_tabs(site: &Site, relays: &[&Relay; 4]) {
    let mut browser = Browser::start();
    let mut tabs = Vec::new();
    for relay in relays {
        tabs.push(open(&mut browser, site, &relay.url("")).await);
    }
    browser.sees(tabs[0], CLOSINGS, "evicted").await;
    // The browser comes back by itself, is answered 204, and stays away.
    browser.sees(tabs[0], STATE, "closed").await;
    publish(relays[0], json!("for those who are left")).await;
    for tab in &tabs[1..] {
        browser.sees(*tab, EVENTS, "for those who are left").await;
    }
    // Were there a fight for the places, each would have lost its own by now.
    for (tab, seen) in tabs.iter().zip(["evicted", "for", "for", "for"]) {
        browser.sees_times(*tab, "#opens li", "", 1).await;
        let all = browser.sees_times(*tab, EVERYTHING, "", 1).await;
        assert!(all[0].as_str().unwrap().starts_with(seen), "{all}");
    }
}

#[tokio::test]
async fn a_page_with_a_ticket_comes_back_with_the_cookie_and_misses_nothing() {
    let site = Site::start("127.0.0.1", alice()).await;
    // The browser has to come back again and again, and the ticket is spent.
    let options = options().set("MAX_LIFETIME", "1s").set("CORS_ORIGINS", &site.origin);
    let mut relay = options.clone().start().await;
    let mut browser = Browser::start();
    let tab = open(&mut browser, &site, &relay.url("")).await;
    publish(&relay, json!("first")).await;
    browser.sees(tab, "#open-3", "").await;
    publish(&relay, json!("on a stream that the cookie opened")).await;
    browser.sees(tab, EVENTS, "on a stream that the cookie opened").await;
    relay.kill().await;
    let mut elsewhere = options.clone().folder(relay.folder()).start().await;
    publish(&elsewhere, json!("while the relay was down")).await;
    elsewhere.kill().await;
    relay.restart().await;
    publish(&relay, json!("last")).await;
    browser.sees(tab, EVENTS, "last").await;
    let seen = browser.sees_times(tab, EVENTS, "", 4).await;
    let all = ["first", "on a stream that the cookie opened", "while the relay was down", "last"];
    assert_eq!(seen, json!(all), "each once, in order");
    browser.sees_times(tab, "#seen .gap", "", 0).await;
}

/// What the README says of development: Chromium keeps `Secure` cookies of both names of this machine without TLS, and
/// takes the two for different sites, of which it keeps no cookies but partitioned ones.
#[tokio::test]
async fn the_cookie_comes_back_between_ports_and_between_sites_only_without_same_site() {
    for (page, relay, same_site, comes_back) in [
        ("127.0.0.1", "127.0.0.1", "strict", true),
        ("localhost", "localhost", "lax", true),
        ("localhost", "127.0.0.1", "lax", false),
        ("localhost", "127.0.0.1", "none", true),
    ] {
        let site = Site::start(page, alice()).await;
        let options = options().set("MAX_LIFETIME", "1s").set("CORS_ORIGINS", &site.origin);
        let running = options.set("COOKIE_SAME_SITE", same_site).start().await;
        let relay = running.url("").replace("127.0.0.1", relay);
        let mut browser = Browser::start();
        let tab = open(&mut browser, &site, &relay).await;
        match comes_back {
            true => browser.sees(tab, "#open-2", "").await,
            false => browser.sees(tab, STATE, "closed").await,
        }
    }
}

#[tokio::test]
async fn a_page_of_an_unlisted_origin_can_neither_read_nor_publish_nor_cost_a_user_a_stream() {
    // Another port is the same site to a browser, and gets the cookie sent. Another name gets it without SameSite only.
    for (host, same_site) in [("127.0.0.1", "lax"), ("localhost", "none")] {
        let (site, foreign) =
            (Site::start("127.0.0.1", alice()).await, Site::start(host, String::new()).await);
        let options = options().set("CORS_ORIGINS", &site.origin);
        let relay = options.set("COOKIE_SAME_SITE", same_site).start().await;
        let mut browser = Browser::start();
        let own = open(&mut browser, &site, &relay.url("")).await;
        let visited = browser.open(&foreign.tries(&relay.url(""))).await;
        browser.sees(visited, "#done", "").await;
        browser.sees_times(visited, "#tried li", "succeeded", 0).await;
        publish(&relay, json!("own")).await;
        browser.sees(own, EVENTS, "own").await;
        let seen = browser.sees_times(own, EVERYTHING, "", 1).await;
        assert_eq!(seen, json!(["own"]), "nothing forged and no closing");
        browser.sees_times(own, "#opens li", "", 1).await;
    }
}
