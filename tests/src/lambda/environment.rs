use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::invocation::Invocation;
use super::reply::Reply;
use super::rules::Rules;
use super::runtime::Runtime;
use crate::output::Output;
use crate::relay::{LOGGED, PATIENCE};

/// One process of a function, as it stands in one execution environment. It is killed when this is dropped.
#[derive(Debug)]
pub struct Environment {
    runtime: Arc<Runtime>,
    whose: String,
    pid: Pid,
    most: usize,
    output: Output,
    exit: watch::Receiver<Option<Exit>>,
    may_exit: AtomicBool,
    tasks: [JoinHandle<()>; 2],
}

/// How a process ended: its exit code, if it was no signal.
#[derive(Debug, Clone, Copy)]
struct Exit(Option<i32>);

/// What an environment runs.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
    /// How many invocations a process takes at a time; without it one, in the way of classic Lambda.
    pub(crate) concurrency: Option<usize>,
    pub(crate) freezes: bool,
    /// Whether what it writes is shown as it comes.
    pub(crate) shown: bool,
}

impl Environment {
    pub(crate) async fn start(program: &Program) -> Self {
        let most = program.concurrency.unwrap_or(1);
        let (runtime, address, serving) = Runtime::start(most).await;
        runtime.freezes.store(program.freezes, Ordering::SeqCst);
        let mut command = Command::new(&program.path);
        command.current_dir(&program.folder).env_clear().kill_on_drop(true).stdin(Stdio::null());
        let name = program.path.file_name().unwrap().to_string_lossy().into_owned();
        // What Lambda sets itself, as far as anything in the function may look at it.
        command.envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", &name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_REGION", hookwire_sqs_server::REGION),
            ("AWS_DEFAULT_REGION", hookwire_sqs_server::REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_SESSION_TOKEN", "test"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("RUST_LOG", LOGGED),
        ]);
        if let Some(concurrency) = program.concurrency {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
        }
        command.envs(program.variables.iter().cloned());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        runtime.process.set(pid).unwrap();
        let whose = format!("{name}, process {}", pid.as_raw_nonzero());
        let output = if program.shown { Output::shown_as(&name) } else { Output::default() };
        output.collect(child.stdout.take().unwrap());
        output.collect(child.stderr.take().unwrap());
        let (exited, exit) = watch::channel(None);
        let bereft = Arc::clone(&runtime);
        let waiting = tokio::spawn(async move {
            let status = child.wait().await.unwrap();
            exited.send_replace(Some(Exit(status.code())));
            bereft.abandon().await;
        });
        Self {
            runtime,
            whose,
            pid,
            most,
            output,
            exit,
            may_exit: AtomicBool::new(false),
            tasks: [serving, waiting],
        }
    }

    /// Takes a place for an invocation, if there is one.
    pub(crate) fn reserve(&self) -> bool {
        !self.has_exited() && self.runtime.reserve(self.most)
    }

    /// Calls it, in a place that was taken.
    pub(crate) async fn invoke(&self, invocation: Invocation, timeout: Duration) -> Reply {
        self.thaw();
        let replied = self.runtime.call(invocation, timeout);
        // The process is as silent as it is stopped, and Lambda waits for both.
        tokio::select! {
            reply = replied => reply.unwrap_or_else(|_gone| Reply::Failed(gone())),
            () = self.gone() => Reply::Failed(gone()),
        }
    }

    async fn gone(&self) {
        drop(self.exit.clone().wait_for(Option::is_some).await);
    }

    /// What it is called where something is told of it.
    #[must_use]
    pub fn whose(&self) -> &str {
        &self.whose
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// How many invocations it works on.
    #[must_use]
    pub fn open(&self) -> usize {
        self.runtime.open()
    }

    /// How many invocations it has begun so far.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.runtime.rules.borrow().begun
    }

    /// Waits until so many of its requests for the next invocation wait.
    pub async fn polls(&self, times: usize) {
        self.until("it asks for the next invocation", |rules| rules.polls == times).await;
    }

    /// Waits until it has asked for its first invocation, or for the next one.
    pub async fn ready(&self) {
        self.until("it asks for an invocation", Rules::is_ready).await;
    }

    async fn until(&self, what: &str, is_so: impl FnMut(&Rules) -> bool) {
        let mut rules = self.runtime.rules.subscribe();
        let waited = tokio::time::timeout(PATIENCE, rules.wait_for(is_so)).await;
        assert!(waited.is_ok(), "{}: {what}:\n{}", self.whose, self.log());
    }

    /// What it said of a start that failed.
    #[must_use]
    pub fn init_error(&self) -> Option<Value> {
        self.runtime.rules.borrow().init_error.clone()
    }

    /// Everything that it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.output.text()
    }

    /// Stops it in its tracks, as Lambda does between two invocations.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end, as Lambda does before it takes an environment away.
    pub fn terminate(&self) {
        let has_extension = self.runtime.rules.borrow().has_extension;
        assert!(has_extension, "Lambda sends SIGTERM only where there is an extension");
        self.may_exit.store(true, Ordering::SeqCst);
        self.signal(Signal::TERM);
    }

    /// Ends it as soon as Lambda would.
    pub(crate) async fn leave(&self) {
        self.thaw();
        if self.runtime.rules.borrow().has_extension {
            self.terminate();
        } else {
            let is_idle = |_: &Rules| self.runtime.open() == 0;
            drop(self.runtime.rules.subscribe().wait_for(is_idle).await);
            self.kill().await;
        }
    }

    fn signal(&self, signal: Signal) {
        if !self.has_exited() {
            // It may end at this very moment.
            let _ended = kill_process(self.pid, signal);
        }
    }

    /// Ends it without a word.
    pub async fn kill(&self) {
        self.may_exit.store(true, Ordering::SeqCst);
        self.signal(Signal::KILL);
        self.exited().await;
    }

    /// Waits until it has ended, which it now may, and returns its exit code.
    pub async fn exited(&self) -> Option<i32> {
        self.may_exit.store(true, Ordering::SeqCst);
        let mut exit = self.exit.clone();
        let exited = tokio::time::timeout(PATIENCE, exit.wait_for(Option::is_some)).await;
        let Ok(Ok(exited)) = exited else { panic!("{} does not end:\n{}", self.whose, self.log()) };
        exited.and_then(|Exit(code)| code)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_exited(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Writes down what it logged.
    pub(crate) fn show(&self) {
        self.output.show(&self.whose);
    }

    /// Where it did what no function may.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = self.runtime.rules.borrow().broken.clone();
        faults.extend(self.output.faults(&self.whose));
        if self.has_exited() && !self.may_exit.load(Ordering::SeqCst) {
            faults.push(format!("{} ended by itself:\n{}", self.whose, self.log()));
        }
        faults
    }
}

/// What Lambda answers for a process that ended.
fn gone() -> Value {
    json!({ "errorType": "Runtime.ExitError", "errorMessage": "the process ended" })
}

impl Drop for Environment {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
