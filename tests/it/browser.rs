//! Pages in a real browser, used as a user does.

use serde_json::{Value, json};

use crate::clients::Program;

/// Chromium, driven by `tests/clients/tabs.mjs`.
pub struct Browser(Program);

/// A tab of it.
#[derive(Debug, Clone, Copy)]
pub struct Tab(u64);

impl Browser {
    /// Starts it with an empty profile.
    pub fn start() -> Self {
        Self(Program::start("tabs.mjs", &[]))
    }

    async fn ask(&mut self, command: Value) -> Value {
        let answer = self.0.ask(&command).await;
        assert_eq!(answer["error"], Value::Null, "{command}");
        answer
    }

    /// Opens a page in a tab.
    pub async fn open(&mut self, address: &str) -> Tab {
        Tab(self.ask(json!({ "open": address })).await["tab"].as_u64().unwrap())
    }

    /// Clicks on the element that matches.
    pub async fn click(&mut self, Tab(tab): Tab, selector: &str) {
        self.ask(json!({ "tab": tab, "click": selector })).await;
    }

    /// Types a text into a field, in place of what is there.
    pub async fn fill(&mut self, Tab(tab): Tab, selector: &str, text: &str) {
        self.ask(json!({ "tab": tab, "fill": selector, "with": text })).await;
    }

    /// Waits until exactly one element that matches shows this text.
    pub async fn sees(&mut self, tab: Tab, selector: &str, text: &str) {
        self.sees_times(tab, selector, text, 1).await;
    }

    /// Waits until so many elements that match show this text, and returns what they show.
    pub async fn sees_times(
        &mut self,
        Tab(tab): Tab,
        selector: &str,
        text: &str,
        count: u64,
    ) -> Value {
        let awaited = json!({ "tab": tab, "await": selector, "text": text, "count": count });
        self.ask(awaited).await["texts"].take()
    }

    /// Everything that the page has asked for.
    pub async fn addresses(&mut self, Tab(tab): Tab) -> Value {
        self.ask(json!({ "tab": tab, "addresses": true })).await["addresses"].take()
    }

    /// What the browser has complained about.
    pub async fn complaints(&mut self, Tab(tab): Tab) -> Value {
        self.ask(json!({ "tab": tab, "complaints": true })).await["complaints"].take()
    }
}
