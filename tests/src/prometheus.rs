use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::Api;
use crate::output::Output;
use crate::relay::PATIENCE;

/// A Prometheus that scrapes relays every second, and tells by rules what is wrong.
#[derive(Debug)]
pub struct Prometheus {
    api: Api,
    log: Output,
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes these, each `host:port`, by the rules of this text.
    pub async fn start(relays: &[&str], rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rules.yaml"), rules).unwrap();
        let targets: Vec<_> = relays.iter().map(|relay| format!("'{relay}'")).collect();
        let settings = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
             rule_files: [rules.yaml]\n\
             scrape_configs:\n\
             - job_name: hookwire\n  static_configs: [{{ targets: [{}] }}]\n",
            targets.join(", ")
        );
        std::fs::write(folder.path().join("prometheus.yaml"), settings).unwrap();
        let mut child = Self::command(folder.path()).spawn().unwrap_or_else(|error| {
            panic!("prometheus does not start: {error}; on Debian: apt-get install prometheus")
        });
        let log = Output::default();
        let mut address = log.collect_and_find(child.stderr.take().unwrap(), |line| {
            let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
            Some(rest.to_owned())
        });
        let started = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let address = match started {
            Ok(Ok(address)) => address.clone().unwrap(),
            _ => panic!("prometheus did not start:\n{}", log.text()),
        };
        let api = Api::at(format!("http://{address}"));
        let prometheus = Self { api, log, _process: child, _folder: folder };
        prometheus.sees(relays.len()).await;
        prometheus
    }

    fn command(folder: &Path) -> Command {
        let mut command = Command::new("prometheus");
        command
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"])
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Waits until so many relays were scraped.
    async fn sees(&self, relays: usize) {
        // It listens before it answers questions.
        let ready =
            async || self.api.get("/-/ready").send().await.is_ok_and(|it| it.status() == 200);
        self.until(ready, "prometheus is ready").await;
        let seen = async || self.samples("up == 1").await.len() == relays;
        self.until(seen, "every relay is scraped").await;
    }

    /// Waits until a query of one value says so.
    pub async fn has_seen(&self, query: &str, wanted: usize) {
        let wanted = wanted.to_string();
        let seen = async || {
            let samples = self.samples(query).await;
            samples.len() == 1 && samples[0]["value"][1] == wanted.as_str()
        };
        self.until(seen, &format!("{query} is {wanted}")).await;
    }

    /// Waits until exactly these alerts fire.
    pub async fn fires(&self, alerts: &[&str]) {
        let wanted: BTreeSet<_> = alerts.iter().map(|&alert| alert.to_owned()).collect();
        let fires = async || self.firing().await == wanted;
        self.until(fires, &format!("{alerts:?} fire")).await;
    }

    /// Waits until no alert fires, and none is about to.
    pub async fn is_quiet(&self) {
        let quiet = async || self.samples("ALERTS").await.is_empty();
        self.until(quiet, "no alert fires").await;
    }

    /// The alerts that fire now.
    pub async fn firing(&self) -> BTreeSet<String> {
        self.alerts("ALERTS{alertstate=\"firing\"}").await
    }

    /// Every alert that has fired since then.
    pub async fn fired(&self, since: Instant) -> BTreeSet<String> {
        let seconds = since.elapsed().as_secs().max(1);
        self.alerts(&format!("max_over_time(ALERTS{{alertstate=\"firing\"}}[{seconds}s])")).await
    }

    async fn alerts(&self, query: &str) -> BTreeSet<String> {
        let name = |sample: &Value| sample["metric"]["alertname"].as_str().unwrap().to_owned();
        self.samples(query).await.iter().map(name).collect()
    }

    /// What a query selects now.
    pub async fn samples(&self, query: &str) -> Vec<Value> {
        let asked = self.api.get("/api/v1/query").query(&[("query", query)]);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    async fn until(&self, done: impl AsyncFn() -> bool, what: &str) {
        let start = Instant::now();
        while !done().await {
            if start.elapsed() > 2 * PATIENCE {
                let firing = self.firing().await;
                panic!("{what}: {firing:?} fire\n{}", self.log.text());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
