//! A function that is set up wrongly says all that is wrong, once, and does not start.

use hookwire_tests::FunctionOptions;

async fn refused(binary: &'static str, variables: &[(&str, &str)]) -> String {
    let package = match binary {
        "receive" => "hookwire-receive",
        "stream" => "hookwire-stream",
        _ => "hookwire-drain",
    };
    let folder = tempfile::tempdir().unwrap();
    let options = FunctionOptions::new(package, binary, folder.path());
    let options =
        variables.iter().fold(options, |options, (name, value)| options.variable(name, value));
    let environment = options.deploy().start().await;
    let code = environment.exited().await;
    assert!(code.is_some_and(|code| code != 0), "{binary}: {code:?}: {}", environment.log());
    assert_eq!(environment.begun(), 0);
    // Of an error at the start Lambda shows the one line and what was reported of it.
    let reported = environment.init_error().map(|error| error.to_string()).unwrap_or_default();
    reported + &environment.log()
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    for binary in ["receive", "stream", "drain"] {
        let told = refused(
            binary,
            &[
                ("HOOKWIRE_LOG", "mysql://x"),
                ("HOOKWIRE_QUEUE", "kafka:x"),
                ("HOOKWIRE_RETENTION_AGE", "banana"),
                ("HOOKWIRE_JWT_SECRET", "hunter2"),
            ],
        )
        .await;
        let expected: &[&str] = match binary {
            "receive" => {
                &["HOOKWIRE_LOG", "HOOKWIRE_QUEUE", "HOOKWIRE_RETENTION_AGE", "HOOKWIRE_JWT_SECRET"]
            }
            "stream" => &["HOOKWIRE_LOG", "HOOKWIRE_JWT_SECRET"],
            _ => &["HOOKWIRE_LOG", "HOOKWIRE_QUEUE", "HOOKWIRE_RETENTION_AGE"],
        };
        for key in expected {
            assert!(told.contains(key), "{binary} says nothing of {key}: {told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn what_nobody_may_reach_without_proof_does_not_start_without_it() {
    let redis = ("HOOKWIRE_LOG", "redis://127.0.0.1:1");
    let secret = ("HOOKWIRE_JWT_SECRET", hookwire_tests::SECRET);
    let told =
        refused("receive", &[redis, ("HOOKWIRE_PUSH_AUDIENCE", "x"), ("HOOKWIRE_PUSH_EMAIL", "y")])
            .await;
    assert!(told.contains("HOOKWIRE_JWT_SECRET"), "{told}");
    let told = refused("receive", &[redis, secret]).await;
    assert!(told.contains("HOOKWIRE_PUSH_AUDIENCE") || told.contains("push_audience"), "{told}");
    let told = refused("stream", &[redis]).await;
    assert!(told.contains("HOOKWIRE_JWT_SECRET"), "{told}");
    for binary in ["receive", "stream"] {
        let told = refused(binary, &[secret, ("HOOKWIRE_LOG", "memory:")]).await;
        assert!(told.contains("HOOKWIRE_LOG"), "{told}");
    }
}
