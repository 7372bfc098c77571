use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookwire_sqs_server::Queue;
use serde_json::json;
use tempfile::TempDir;

use super::function::{Freezing, Function, FunctionOptions};
use super::gateway::{Gateway, GatewayOptions};
use super::mapping::EventSourceMapping;
use crate::Api;
use crate::token::{SECRET, token};

/// Sources that ask for no proof, so that a test can push what it likes.
const SOURCES: &str = "\
    [[sources]]\nname = \"gmail\"\nkind = \"gmail\"\nverification = \"none\"\n\
    [[sources]]\nname = \"pubsub\"\nkind = \"pubsub\"\nverification = \"none\"\n";

/// How the functions are deployed.
#[derive(Debug, Clone)]
pub struct DeploymentOptions {
    log: String,
    variables: Vec<(String, String)>,
    sources: String,
    queue: Option<(Queue, String)>,
    concurrency: Option<usize>,
    freezing: Freezing,
    timeout: Duration,
    reserved: usize,
    attended: bool,
    gateway: GatewayOptions,
}

impl DeploymentOptions {
    /// Keeps the log in this Redis.
    #[must_use]
    pub fn over(redis: &str) -> Self {
        Self {
            log: redis.to_owned(),
            variables: Vec::new(),
            sources: SOURCES.to_owned(),
            queue: None,
            concurrency: None,
            freezing: Freezing::Never,
            timeout: Duration::from_secs(30),
            reserved: 10,
            attended: false,
            gateway: GatewayOptions::default(),
        }
    }

    /// Sets one `HOOKWIRE_*` variable of all functions.
    #[must_use]
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        self.variable(&format!("HOOKWIRE_{name}"), value)
    }

    /// Sets one variable of all functions, over what was set before.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// Has these sources in its `hookwire.toml`, beside the others.
    #[must_use]
    pub fn source(mut self, tables: &str) -> Self {
        self.sources.push_str(tables);
        self
    }

    /// Has these sources in its `hookwire.toml`, and no other.
    #[must_use]
    pub fn sources(mut self, tables: &str) -> Self {
        tables.clone_into(&mut self.sources);
        self
    }

    /// Has this queue beside the log, and `drain` behind it. The functions find it at `reached`, which is a way to the same.
    #[must_use]
    pub fn queue(mut self, queue: &Queue, reached: &Queue) -> Self {
        self.queue = Some((queue.clone(), reached.url()));
        self
    }

    /// Runs `stream` as on managed instances: each process takes so many invocations at a time.
    #[must_use]
    pub fn concurrency(mut self, invocations: usize) -> Self {
        self.concurrency = Some(invocations);
        self
    }

    /// When environments stand still.
    #[must_use]
    pub fn freezing(mut self, freezing: Freezing) -> Self {
        self.freezing = freezing;
        self
    }

    /// How long a stream's invocation may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Most environments of each function.
    #[must_use]
    pub fn reserved(mut self, environments: usize) -> Self {
        self.reserved = environments;
        self
    }

    /// Counts nobody, and lets a user have any number of streams.
    #[must_use]
    pub fn unlimited(self) -> Self {
        let limits = ["CLIENT_LIMIT", "SOURCE_LIMIT", "SOURCE_BURST", "USER_LIMIT"];
        let limited = self.set("STREAMS_PER_USER", 0);
        limits.into_iter().fold(limited, |options, limit| options.set(limit, 60_000_000))
    }

    /// Shows what all processes write as it comes, and takes nothing for a fault: somebody looks.
    #[must_use]
    pub fn attended(mut self) -> Self {
        self.attended = true;
        self
    }

    /// How the gateway is set up.
    #[must_use]
    pub fn gateway(mut self, gateway: GatewayOptions) -> Self {
        self.gateway = gateway;
        self
    }

    /// Deploys them. No process of a function runs before it is called.
    pub async fn start(self) -> Deployment {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hookwire.toml"), &self.sources).unwrap();
        let function = |package, binary| self.function(package, binary, folder.path());
        let receive = Arc::new(function("hookwire-receive", "receive").deploy());
        let stream = function("hookwire-stream", "stream").timeout(self.timeout);
        let stream = match self.concurrency {
            Some(invocations) => stream.concurrency(invocations),
            None => stream,
        };
        let stream = Arc::new(stream.deploy());
        let drain = self.queue.as_ref().map(|(queue, _)| {
            let drain = Arc::new(function("hookwire-drain", "drain").deploy());
            let mapping = EventSourceMapping::start(queue, &drain);
            (drain, mapping)
        });
        let gateway = self.gateway.start(&receive, &stream).await;
        let all = json!({ "subscribe": ["**"], "publish": ["**"], "admin": true });
        let api = Api::at(gateway.front()).with_token(token("tester", &all));
        let attended = self.attended;
        Deployment { api, gateway, receive, stream, drain, attended, _folder: folder }
    }

    fn function(
        &self,
        package: &'static str,
        binary: &'static str,
        folder: &Path,
    ) -> FunctionOptions {
        let mut function = FunctionOptions::new(package, binary, folder)
            .variable("HOOKWIRE_LOG", &self.log)
            .variable("HOOKWIRE_JWT_SECRET", SECRET)
            .freezing(self.freezing)
            .reserved(self.reserved);
        if let Some((_, url)) = &self.queue {
            function = function.variable("HOOKWIRE_QUEUE", format!("sqs:{url}"));
        }
        for (name, value) in &self.variables {
            function = function.variable(name, value);
        }
        if self.attended { function.shown() } else { function }
    }
}

/// The functions as the template deploys them. They are asked over HTTP.
#[derive(Debug)]
pub struct Deployment {
    api: Api,
    /// What stands before the functions.
    pub gateway: Gateway,
    /// Webhooks in, and everything that is no stream.
    pub receive: Arc<Function>,
    /// Streams out.
    pub stream: Arc<Function>,
    drain: Option<(Arc<Function>, EventSourceMapping)>,
    attended: bool,
    _folder: TempDir,
}

impl Deployment {
    /// What moves the queue into the log.
    #[must_use]
    pub fn drain(&self) -> &Arc<Function> {
        &self.drain.as_ref().expect("it has a queue").0
    }

    /// All functions.
    #[must_use]
    pub fn functions(&self) -> Vec<&Arc<Function>> {
        let drain = self.drain.iter().map(|(drain, _)| drain);
        [&self.receive, &self.stream].into_iter().chain(drain).collect()
    }

    /// Everything that all processes have written so far.
    pub async fn log(&self) -> String {
        let mut log = String::new();
        for function in self.functions() {
            log.push_str(&function.log().await);
        }
        log
    }
}

impl Deref for Deployment {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if !self.attended {
            self.functions().into_iter().for_each(|function| function.check());
        }
    }
}
