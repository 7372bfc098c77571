use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;

use super::environment::{Environment, Program};
use super::invocation::Invocation;
use super::reply::Reply;
use crate::program::function;

/// What a function is deployed with.
#[derive(Debug, Clone)]
pub struct FunctionOptions {
    package: &'static str,
    binary: &'static str,
    program: Program,
    timeout: Duration,
    reserved: usize,
}

/// When an environment stands still.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Freezing {
    /// Never, as if invocations followed each other closely.
    #[default]
    Never,
    /// From the moment at which an answer is complete until the next invocation.
    AfterEachAnswer,
}

impl FunctionOptions {
    /// A function of this package and binary, which runs in this folder.
    #[must_use]
    pub fn new(package: &'static str, binary: &'static str, folder: &Path) -> Self {
        let program = Program {
            path: PathBuf::new(),
            folder: folder.to_owned(),
            variables: Vec::new(),
            concurrency: None,
            freezes: false,
            shown: false,
        };
        Self { package, binary, program, timeout: Duration::from_secs(30), reserved: 10 }
    }

    /// Sets a variable, over what was set before.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.program.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// How long an invocation may take unless it says otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Has at most so many environments.
    #[must_use]
    pub fn reserved(mut self, environments: usize) -> Self {
        self.reserved = environments;
        self
    }

    /// Each process takes so many invocations at a time, as on managed instances, where none ever stands still.
    #[must_use]
    pub fn concurrency(mut self, invocations: usize) -> Self {
        self.program.concurrency = Some(invocations);
        self.freezing(Freezing::Never)
    }

    /// When environments stand still.
    #[must_use]
    pub fn freezing(mut self, freezing: Freezing) -> Self {
        self.program.freezes = freezing == Freezing::AfterEachAnswer;
        self
    }

    /// Shows what its processes write as it comes.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.program.shown = true;
        self
    }

    /// Deploys it. Nothing runs before the first invocation.
    #[must_use]
    pub fn deploy(mut self) -> Function {
        self.program.path = function(self.package, self.binary);
        Function {
            options: self,
            environments: Mutex::default(),
            retired: std::sync::Mutex::default(),
        }
    }
}

/// A deployed function, with as many environments as invocations at a time need.
///
/// Whoever owns it calls [`Function::check`] at the end: what is dropped in a task cannot fail a test.
#[derive(Debug)]
pub struct Function {
    options: FunctionOptions,
    environments: Mutex<Vec<Arc<Environment>>>,
    /// Those that are not called any more.
    retired: std::sync::Mutex<Vec<Arc<Environment>>>,
}

/// Every environment is busy, and there may not be more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every environment is busy")]
pub struct Throttled;

impl Function {
    /// Calls it, in an environment that is free or in a new one.
    ///
    /// # Errors
    ///
    /// `Throttled` when there may be no further environment.
    pub async fn invoke(&self, invocation: Invocation) -> Result<Reply, Throttled> {
        let environment = self.free().await?;
        Ok(environment.invoke(invocation, self.options.timeout).await)
    }

    /// Calls it with an event, and returns the whole answer or the error.
    ///
    /// # Errors
    ///
    /// What the function reported.
    pub async fn call(&self, event: impl Into<Value>) -> Result<Value, Value> {
        self.invoke(Invocation::of(event)).await.unwrap().buffered()
    }

    async fn free(&self) -> Result<Arc<Environment>, Throttled> {
        let mut environments = self.environments.lock().await;
        let gone: Vec<_> = environments.extract_if(.., |one| one.has_exited()).collect();
        self.retire(gone);
        if let Some(free) = environments.iter().find(|environment| environment.reserve()) {
            return Ok(Arc::clone(free));
        }
        if environments.len() == self.options.reserved {
            return Err(Throttled);
        }
        let environment = Arc::new(Environment::start(&self.options.program).await);
        assert!(environment.reserve(), "a new environment is free, and its process runs");
        environments.push(Arc::clone(&environment));
        Ok(environment)
    }

    fn retire(&self, environments: Vec<Arc<Environment>>) {
        self.retired.lock().unwrap().extend(environments);
    }

    /// Starts an environment that nobody called for.
    pub async fn start(&self) -> Arc<Environment> {
        let environment = Arc::new(Environment::start(&self.options.program).await);
        self.environments.lock().await.push(Arc::clone(&environment));
        environment
    }

    /// Starts one, and waits until it asks for an invocation.
    pub async fn warm(&self) -> Arc<Environment> {
        let environment = self.start().await;
        environment.ready().await;
        environment
    }

    /// The environments that may be called.
    pub async fn environments(&self) -> Vec<Arc<Environment>> {
        self.environments.lock().await.clone()
    }

    /// The only environment.
    pub async fn environment(&self) -> Arc<Environment> {
        let environments = self.environments().await;
        assert_eq!(environments.len(), 1, "it has one environment");
        Arc::clone(&environments[0])
    }

    /// Calls new environments from now on, and has the ones before end: at once where they can be asked to, else when they
    /// have answered.
    pub async fn replace(&self) {
        let before = std::mem::take(&mut *self.environments.lock().await);
        for environment in &before {
            let environment = Arc::clone(environment);
            tokio::spawn(async move { environment.leave().await });
        }
        self.retire(before);
    }

    /// Everything that all of its processes have written so far.
    pub async fn log(&self) -> String {
        let retired = self.retired.lock().unwrap().clone();
        let all = [retired, self.environments().await].concat();
        all.iter().map(|environment| environment.log()).collect()
    }

    /// Panics when an environment did what no function may.
    pub fn check(&self) {
        let Ok(environments) = self.environments.try_lock() else { return };
        let all = [&self.retired.lock().unwrap()[..], &environments[..]].concat();
        if std::thread::panicking() {
            all.iter().for_each(|environment| environment.show());
            return;
        }
        let faults = faults(&all);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Where an environment that may be called did what no function may.
    pub async fn faults(&self) -> Vec<String> {
        faults(&self.environments().await)
    }
}

fn faults(of: &[Arc<Environment>]) -> Vec<String> {
    of.iter().flat_map(|environment| environment.faults()).collect()
}
