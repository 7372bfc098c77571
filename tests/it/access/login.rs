//! The login that the README shows, as it stands there.

use std::process::Stdio;
use std::time::Duration;

use hookwire_tests::{RelayOptions, SECRET, token};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::browser::Browser;

/// The block of code in the README that begins with this line.
fn block(first_line: &str) -> &'static str {
    let readme = include_str!("../../../README.md");
    let mut blocks = readme.split("```").skip(1).step_by(2);
    let block = blocks.find_map(|block| {
        let (_language, code) = block.split_once('\n')?;
        code.starts_with(first_line).then_some(code)
    });
    block.expect("the README has it")
}

/// A port that is free now.
async fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[tokio::test]
async fn the_login_of_the_readme_brings_a_page_the_events_of_its_user() {
    let port = free_port().await;
    let origin = format!("http://127.0.0.1:{port}");
    let relay = RelayOptions::default().with_keys().set("CORS_ORIGINS", &origin).start().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, first_line) in [("login.mjs", "// login.mjs"), ("page.html", "<!-- page.html -->")] {
        let code = block(first_line).replace("http://127.0.0.1:8080", &relay.url(""));
        std::fs::write(folder.path().join(name), code.replace("3000", &port)).unwrap();
    }
    let mut login = Command::new("node");
    login.arg("login.mjs").current_dir(folder.path()).env("HOOKWIRE_JWT_SECRET", SECRET);
    let mut login = login.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(login.stdout.take().unwrap()).lines();
    let listens = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
    assert_eq!(listens.expect("it starts").unwrap().as_deref(), Some(origin.as_str()));

    let mut browser = Browser::start();
    let tab = browser.open(&origin).await;
    browser.fill(tab, "input[name=user]", "alice").await;
    browser.fill(tab, "input[name=password]", "wonderland").await;
    browser.click(tab, "button").await;
    let shop = token("shop", &json!({ "publish": ["orders/**"] }));
    // Its stream begins live, and nobody says when, so it is told again until it hears.
    let tell = async {
        loop {
            let order = relay.post("/topics/orders/alice/events").bearer_auth(&shop);
            assert_eq!(order.json(&json!("On its way.")).send().await.unwrap().status(), 200);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = browser.sees(tab, "body", "On its way.") => {}
        () = tell => {}
    }
}
