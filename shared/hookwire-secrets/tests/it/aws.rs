use hookwire_aws_server::{Keys, Server};

use crate::{config, fetched, fetched_one, refused};

#[tokio::test]
async fn a_secret_is_found_by_its_name_and_its_arn_and_by_keys_of_its_json() {
    let server = Server::start().await;
    let arn = server.secret("relay/db", r#"{"password":"p#ss","port":5432,"on":true}"#).await;
    server.secret("plain", "zwölf\n").await;
    server.parameter("/relay/jwt", "a parameter").await;
    let config = config(&server.variables());
    let by_arn = format!("secretsmanager:{arn}#password");
    let expected = [
        (by_arn.as_str(), "p#ss"),
        ("secretsmanager:relay/db#port", "5432"),
        ("secretsmanager:plain", "zwölf\n"),
        ("ssm:/relay/jwt", "a parameter"),
        ("ssm:/relay/jwt:1", "a parameter"),
    ];
    let references = expected.map(|(reference, _)| reference);
    let fetched = fetched(&config, &references).await;
    for (reference, secret) in expected {
        assert_eq!(fetched[reference].as_ref().unwrap(), secret, "{reference}");
    }
    assert_eq!(fetched.len(), expected.len());
}

#[tokio::test]
async fn what_is_wrong_with_a_reference_is_told_of_each() {
    let server = Server::start().await;
    server.secret("db", r#"{"on":true,"hunter2":"hunter2"}"#).await;
    server.secret("plain", "hunter2").await;
    server.secret("list", r#"["hunter2"]"#).await;
    server.binary_secret("bytes", "aHVudGVyMg==").await;
    let config = config(&server.variables());
    for (reference, part) in [
        ("secretsmanager:nothing", "was not found in eu-west-1"),
        ("secretsmanager:db2#password", "was not found in eu-west-1"),
        ("ssm:/nothing", "was not found in eu-west-1"),
        ("ssm:/nothing#key", "expects `secretsmanager:NAME_OR_ARN`"),
        ("secretsmanager:db#password", "has no key `password`"),
        ("secretsmanager:db#on", "under `on` neither a text nor a number"),
        ("secretsmanager:plain#password", "is no JSON object and so has no key `password`"),
        ("secretsmanager:list#0", "is no JSON object"),
        ("secretsmanager:bytes", "is binary"),
        ("secretsmanager:bytes#password", "is binary"),
    ] {
        let told = refused(&config, reference).await;
        assert!(told.contains(part), "{reference}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_is_signed() {
    let server = Server::start().await;
    server.secret("Zwölf + 1/=", "secret").await;
    server.parameter("/a/b", "parameter").await;
    let keys = server.user("relay", &["secretsmanager:GetSecretValue", "ssm:GetParameter"]).await;
    server.guard().await;
    let with = |keys: Keys| {
        let mut variables = Vec::from(keys.variables());
        variables.push(("AWS_ENDPOINT_URL", server.url()));
        config(&variables)
    };
    let good = with(keys.clone());
    let secret = fetched_one(&good, "secretsmanager:Zwölf + 1/=").await;
    assert_eq!(secret.unwrap(), "secret");
    assert_eq!(fetched_one(&good, "ssm:/a/b").await.unwrap(), "parameter");
    let wrong = with(Keys { secret: "wrong".into(), ..keys });
    assert!(refused(&wrong, "ssm:/a/b").await.contains("it answers 403"));
}

#[tokio::test]
async fn who_may_read_one_service_only_reads_nothing_of_the_other() {
    let server = Server::start().await;
    server.secret("a", "secret").await;
    server.parameter("/a", "hunter2").await;
    let keys = server.user("relay", &["secretsmanager:GetSecretValue"]).await;
    server.guard().await;
    let mut variables = Vec::from(keys.variables());
    variables.push(("AWS_ENDPOINT_URL", server.url()));
    let fetched = fetched(&config(&variables), &["secretsmanager:a", "ssm:/a"]).await;
    assert_eq!(fetched["secretsmanager:a"].as_ref().unwrap(), "secret");
    let told = fetched["ssm:/a"].as_ref().unwrap_err().to_string();
    assert!(told.contains("it answers 403"), "{told}");
}
