//! `scripts/deploy` says what it will do before it does anything, and stops where something is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// What the tools that it runs print: each notes how it was called.
const AWS: &str = r#"case "$*" in
sts*) [ -e "$HOME/credentials" ] && echo "123456789012 arn:aws:iam::123456789012:user/me" || { echo "Unable to locate credentials" >&2; exit 255; } ;;
*Outputs*) printf 'ApiUrl\thttps://api.example\nStreamUrl\thttps://stream.example/\n' ;;
*describe-stacks*) [ -e "$HOME/stack" ] ;;
esac"#;
const CONFIG: &str = r#"[dev.global.parameters]
stack_name = "hookwire-dev"
[dev.deploy.parameters]
parameter_overrides = ["Redis=elasticache", "RedisNodes=1"]
"#;

/// A copy of the scripts, beside tools that do nothing but note that they were called.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let copy = Self(tempfile::tempdir().unwrap());
        for folder in ["scripts", "infra", "bin"] {
            fs::create_dir(copy.0.path().join(folder)).unwrap();
        }
        let read = ["scripts/deploy", "scripts/tools.sh", "infra/cost"];
        for file in read.iter().chain(&["infra/prices.toml", "infra/measured.toml"]) {
            fs::copy(root.join(file), copy.0.path().join(file)).unwrap();
        }
        fs::write(copy.0.path().join("samconfig.toml"), CONFIG).unwrap();
        fs::write(copy.0.path().join("template.yaml"), "").unwrap();
        for tool in ["scripts/build", "bin/cargo", "bin/sam"] {
            copy.program(tool, "");
        }
        copy.program("bin/aws", AWS);
        copy
    }

    fn program(&self, name: &str, does: &str) {
        let path = self.0.path().join(name);
        let note = format!("#!/bin/sh\necho \"{name} $*\" >>\"$HOME/calls\"\n{does}\n");
        fs::write(&path, note).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn has(&self, name: &str) {
        fs::write(self.0.path().join(name), "").unwrap();
    }

    /// Whether it succeeded, what it said, and which tools it called that change anything.
    fn deploy(&self, arguments: &[&str]) -> (bool, String, Vec<String>) {
        let folder = self.0.path();
        let system = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths(
            std::iter::once(folder.join("bin")).chain(std::env::split_paths(&system)),
        );
        let mut command = Command::new(folder.join("scripts/deploy"));
        command.args(arguments).env("PATH", path.unwrap()).env("HOME", folder);
        command.env("AWS_REGION", "eu-west-1").stdin(std::process::Stdio::null());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let calls = fs::read_to_string(folder.join("calls")).unwrap_or_default();
        let changes = |call: &&str| !call.starts_with("bin/aws");
        let told = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        (status.success(), told, calls.lines().filter(changes).map(str::to_owned).collect())
    }
}

#[test]
fn without_credentials_it_says_so_and_nothing_is_built_or_created() {
    let checkout = Checkout::new();
    let (ok, told, calls) = checkout.deploy(&["dev", "--yes"]);
    assert!(!ok && calls.is_empty(), "{told} {calls:?}");
    assert!(told.contains("Unable to locate credentials") && told.contains("aws configure"));

    let (ok, told, calls) = checkout.deploy(&["dev"]);
    assert!(!ok && calls.is_empty() && told.contains("--yes"), "{told} {calls:?}");
    let (ok, told, calls) = checkout.deploy(&["nowhere", "--yes"]);
    assert!(!ok && calls.is_empty() && told.contains("nowhere"), "{told} {calls:?}");
}

#[test]
fn a_plan_needs_no_credentials_and_tells_parameters_and_cost() {
    let (ok, told, calls) =
        Checkout::new().deploy(&["dev", "--plan", "StreamOn=managed-instances"]);
    assert!(ok && calls.is_empty(), "{told} {calls:?}");
    for part in ["Create the stack hookwire-dev", "RedisNodes=1", "c7g.large", "**together**"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn with_credentials_it_plans_builds_deploys_and_says_what_comes_next() {
    let checkout = Checkout::new();
    checkout.has("credentials");
    checkout.has("stack");
    let arguments = ["dev", "--yes", "RedisNodes=2", "SubnetIds=subnet-1,subnet-2"];
    let (ok, told, calls) = checkout.deploy(&arguments);
    assert!(ok && told.contains("Update the stack hookwire-dev in eu-west-1"), "{told}");
    let plan = told.find("**together**").expect("the cost is told");
    assert!(plan < told.find("scripts/smoke https://api.example --stream-url").unwrap(), "{told}");
    let [build, sam_build, deploy] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(
        (build.trim_end(), &**sam_build),
        ("scripts/build", "bin/sam build --config-env dev")
    );
    for part in
        ["deploy --config-env dev", "Redis=elasticache RedisNodes=2 SubnetIds=subnet-1,subnet-2"]
    {
        assert!(deploy.contains(part), "{part} is missing in: {deploy}");
    }
}
