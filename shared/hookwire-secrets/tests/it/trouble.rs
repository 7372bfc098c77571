use std::time::Duration;

use crate::endpoint::{Answer, Endpoint};
use crate::{config, fetched, fetched_one, refused};

#[tokio::test]
async fn a_secret_is_asked_for_once_however_many_of_its_keys_are_wanted() {
    let endpoint = Endpoint::start([Answer::secret(r#"{"a":"1","b":"2"}"#)]).await;
    let references = ["secretsmanager:x#a", "secretsmanager:x#b", "secretsmanager:x"];
    let fetched = fetched(&config(&endpoint.variables()), &references).await;
    let texts = references.map(|reference| fetched[reference].as_ref().unwrap().as_str());
    assert_eq!(texts, ["1", "2", r#"{"a":"1","b":"2"}"#]);
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body, r#"{"SecretId":"x"}"#);
    assert_eq!(asked[0].headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(asked[0].headers["x-amz-security-token"], "session");
    let authorization = asked[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("/eu-west-1/secretsmanager/aws4_request"), "{authorization}");
    for signed in ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(authorization.contains(signed), "{signed}: {authorization}");
    }
}

#[tokio::test]
async fn an_arn_is_asked_for_in_its_own_region() {
    let endpoint = Endpoint::start([Answer::secret("s")]).await;
    let arn = "secretsmanager:arn:aws:secretsmanager:us-east-2:1:secret:a-AbCdEf";
    fetched_one(&config(&endpoint.variables()), arn).await.unwrap();
    let authorization = endpoint.asked()[0].headers["authorization"].clone();
    assert!(authorization.to_str().unwrap().contains("/us-east-2/secretsmanager/aws4_request"));
}

#[tokio::test]
async fn what_passes_is_tried_once_more() {
    for first in [
        Answer::refusal(500, "InternalServiceError"),
        Answer::Body(503, "<html>".into()),
        Answer::refusal(400, "ThrottlingException"),
        Answer::Body(429, String::new()),
    ] {
        let endpoint = Endpoint::start([first.clone(), Answer::secret("s")]).await;
        let secret = fetched_one(&config(&endpoint.variables()), "secretsmanager:a").await;
        assert_eq!(secret.unwrap(), "s", "{first:?}");
        let dates = endpoint.asked().into_iter().map(|asked| asked.headers["x-amz-date"].clone());
        assert_eq!(dates.count(), 2);
    }
    let endpoint = Endpoint::start([Answer::refusal(503, "SlowDown")]).await;
    let told = refused(&config(&endpoint.variables()), "secretsmanager:a").await;
    assert!(told.contains("it answers 503 SlowDown"), "{told}");
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn what_stays_wrong_is_not_tried_again_and_told_without_what_the_service_says_of_it() {
    for (code, part) in [
        ("ResourceNotFoundException", "was not found in eu-west-1"),
        ("com.amazonaws.secretsmanager#ResourceNotFoundException", "was not found in eu-west-1"),
        ("AccessDeniedException", "must allow `secretsmanager:GetSecretValue`"),
        ("DecryptionFailure", "could not be decrypted (DecryptionFailure)"),
        ("ExpiredTokenException", "with these credentials (ExpiredTokenException)"),
        ("UnrecognizedClientException", "with these credentials (Unrecog"),
        ("InvalidRequestException", "it answers 400 InvalidRequestException"),
        ("<b>Odd</b>", "it answers 400 bOddb"),
    ] {
        let endpoint = Endpoint::start([Answer::refusal(400, code)]).await;
        let told = refused(&config(&endpoint.variables()), "secretsmanager:a").await;
        assert!(told.contains(part) && !told.contains("hunter2"), "{code}: {told}");
        assert_eq!(endpoint.asked().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_without_a_part_of_it() {
    for body in ["", "hunter2", r#"{"SecretString":["hunter2"]}"#, &"hunter2".repeat(1 << 20)] {
        let endpoint = Endpoint::start([Answer::Body(200, body.into())]).await;
        let told = refused(&config(&endpoint.variables()), "secretsmanager:a").await;
        assert!(told.contains("its answer cannot be read"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn who_does_not_answer_is_waited_for_twice_and_no_longer() {
    let endpoint = Endpoint::start([Answer::Never]).await;
    let mut config = config(&endpoint.variables());
    config.answer_within = Duration::from_secs(1);
    let told = refused(&config, "ssm:/a").await;
    assert!(told.contains("127.0.0.1:") && told.contains("not answer within 1s"), "{told}");
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn everything_together_is_bounded_in_time() {
    let endpoint = Endpoint::start([Answer::Never]).await;
    let mut config = config(&endpoint.variables());
    config.answer_within = Duration::from_secs(3_600);
    config.within = Duration::from_millis(50);
    let fetched = fetched(&config, &["ssm:/a", "secretsmanager:b"]).await;
    for outcome in fetched.values() {
        assert_eq!(outcome.as_ref().unwrap_err().to_string(), "could not be fetched in time");
    }
}

#[tokio::test]
async fn who_is_not_there_is_told_by_name() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let variables = [
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKID".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned()),
        ("AWS_ENDPOINT_URL_SSM", format!("http://user:hunter2@127.0.0.1:{port}")),
    ];
    let told = refused(&config(&variables), "ssm:/a").await;
    assert!(told.contains(&format!("127.0.0.1:{port}: it is not reached (")), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn what_the_environment_lacks_is_told() {
    let url = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned());
    let id = ("AWS_ACCESS_KEY_ID", "AKID".to_owned());
    let secret = ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned());
    let region = ("AWS_DEFAULT_REGION", "eu-west-1".to_owned());
    let odd = ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned());
    for (variables, part) in [
        (vec![url.clone(), id.clone(), secret.clone()], "set AWS_REGION"),
        (vec![url.clone(), region.clone()], "without credentials"),
        (vec![url.clone(), region.clone(), id.clone()], "without credentials"),
        (vec![("AWS_ENDPOINT_URL", "x".into()), id, odd, region], "what AWS_ENDPOINT_URL says"),
    ] {
        let told = refused(&config(&variables), "secretsmanager:a").await;
        assert!(told.contains(part) && !told.contains("hunter2"), "{told}");
    }
}
