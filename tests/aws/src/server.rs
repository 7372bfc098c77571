use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::Process;
use crate::{Keys, call};

/// Secrets and parameters on 127.0.0.1, in the memory of a process that is killed when this value is dropped, also while it
/// is paused.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
}

impl Server {
    /// A server on a free port, without secrets, that takes every request for a good one.
    pub async fn start() -> Self {
        let mut process = Process::start();
        let line = process.line().await.unwrap_or_default();
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("moto did not start:\n{}", process.errors()));
        Self { process, port }
    }

    /// Where it is, as clients want their endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The variables that point every AWS client at it.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::from(Keys::any().variables());
        variables.push(("AWS_ENDPOINT_URL", self.url()));
        variables
    }

    /// Makes a secret, and returns its ARN.
    pub async fn secret(&self, name: &str, text: &str) -> String {
        self.create(json!({ "Name": name, "SecretString": text })).await
    }

    /// Makes a secret of bytes in base64, and returns its ARN.
    pub async fn binary_secret(&self, name: &str, base64: &str) -> String {
        self.create(json!({ "Name": name, "SecretBinary": base64 })).await
    }

    /// Gives a secret another value.
    pub async fn rotate(&self, name: &str, text: &str) {
        let value = json!({ "SecretId": name, "SecretString": text });
        self.secrets_manager("PutSecretValue", value).await;
    }

    /// Makes an encrypted parameter.
    pub async fn parameter(&self, name: &str, text: &str) {
        let parameter = json!({ "Name": name, "Value": text, "Type": "SecureString" });
        call::json(&self.url(), "ssm", "AmazonSSM.PutParameter", &parameter).await;
    }

    /// Makes a user who may do these things and nothing else.
    pub async fn user(&self, name: &str, actions: &[&str]) -> Keys {
        let allow = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [allow] }).to_string();
        call::iam(&self.url(), "CreateUser", &[("UserName", name)]).await;
        let answer = call::iam(&self.url(), "CreateAccessKey", &[("UserName", name)]).await;
        let policy = [("UserName", name), ("PolicyName", "allow"), ("PolicyDocument", &policy)];
        call::iam(&self.url(), "PutUserPolicy", &policy).await;
        let text = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        Keys { id: text("AccessKeyId"), secret: text("SecretAccessKey") }
    }

    /// From now on looks at the signature of every request, and at the rights of its user.
    pub async fn guard(&self) {
        // How many requests are still taken as they are.
        call::tell(&self.url(), "/moto-api/reset-auth", "0").await;
    }

    /// Ends the process as a power cut does, and waits until it is gone, with all its secrets.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    /// Stops the process in its tracks: new connections are accepted, but nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    async fn create(&self, secret: Value) -> String {
        let answer = self.secrets_manager("CreateSecret", secret).await;
        answer["ARN"].as_str().unwrap().to_owned()
    }

    async fn secrets_manager(&self, action: &str, body: Value) -> Value {
        let target = format!("secretsmanager.{action}");
        call::json(&self.url(), "secretsmanager", &target, &body).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what {} complained about:\n{}", self.url(), self.process.errors());
        }
    }
}
