use std::io::Write;

use crate::endpoint::{Answer, Endpoint};
use crate::{config, fetched_one, refused};

const ROLE: &str = r#"{"RoleArn":"arn:aws:iam::1:role/r","AccessKeyId":"ASIA1","SecretAccessKey":"hunter2",
    "Token":"of the role","Expiration":"2026-01-01T00:00:00Z"}"#;

/// A container whose role's credentials are handed out there, and secrets here.
fn container(role: &Endpoint, secrets: &Endpoint) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/v1/credentials", role.url)),
        ("AWS_ENDPOINT_URL", secrets.url.clone()),
    ]
}

#[tokio::test]
async fn a_container_signs_with_the_credentials_of_its_role() {
    let role =
        Endpoint::start([Answer::Body(503, "".into()), Answer::Body(200, ROLE.into())]).await;
    let secrets = Endpoint::start([Answer::secret("s")]).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"token in a file\n").unwrap();
    let mut variables = container(&role, &secrets);
    let path = file.path().display().to_string();
    variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path));
    variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN", "another one".to_owned()));
    let secret = fetched_one(&config(&variables), "secretsmanager:a").await;
    assert_eq!(secret.unwrap(), "s");
    let asked = role.asked();
    assert_eq!((asked.len(), asked[1].path.as_str()), (2, "/v1/credentials"));
    assert_eq!(asked[1].headers["authorization"], "token in a file");
    let asked = secrets.asked();
    assert_eq!(asked[0].headers["x-amz-security-token"], "of the role");
    let authorization = asked[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("Credential=ASIA1/"), "{authorization}");
}

#[tokio::test]
async fn a_role_that_cannot_be_had_is_told_and_nobody_is_asked_for_a_secret() {
    let secrets = Endpoint::start([Answer::secret("s")]).await;
    for (answer, part) in [
        (Answer::Body(404, "hunter2".into()), "it answers 404"),
        (Answer::Body(200, r#"{"AccessKeyId":"hunter2"}"#.into()), "its answer cannot be read"),
    ] {
        let role = Endpoint::start([answer]).await;
        let told = refused(&config(&container(&role, &secrets)), "ssm:/a").await;
        assert!(told.contains("this container's role") && told.contains(part), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let role = Endpoint::start([Answer::Body(200, ROLE.into())]).await;
    let mut variables = container(&role, &secrets);
    variables[1].1 = "http://credentials.example/".to_owned();
    let told = refused(&config(&variables), "ssm:/a").await;
    assert!(told.contains("FULL_URI must be https"), "{told}");
    variables = container(&role, &secrets);
    variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token".to_owned()));
    let told = refused(&config(&variables), "ssm:/a").await;
    assert!(told.contains("TOKEN_FILE cannot be read"), "{told}");
    assert!(role.asked().is_empty() && secrets.asked().is_empty());
}
