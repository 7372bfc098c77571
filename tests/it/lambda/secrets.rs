use hookwire_aws_server::Server;
use hookwire_redis_server::ServerOptions;
use hookwire_tests::{DeploymentOptions, SECRET};
use serde_json::json;

use super::{outcome, publish};

const PASSWORD: &str = "a password that stands nowhere";

#[tokio::test]
async fn functions_fetch_at_their_start_what_their_variables_only_name() {
    let aws = Server::start().await;
    aws.secret("relay/jwt", SECRET).await;
    aws.parameter("/relay/redis", PASSWORD).await;
    let redis = ServerOptions::default().start().await;
    redis.query(&["CONFIG", "SET", "requirepass", PASSWORD]).await;
    let options = DeploymentOptions::over(&redis.url())
        .set("JWT_SECRET", "secretsmanager:relay/jwt")
        .set("REDIS_PASSWORD", "ssm:/relay/redis");
    let variables = aws.variables().into_iter();
    let options = variables.fold(options, |all, (name, value)| all.variable(name, value));
    let functions = options.start().await;
    let mut stream = functions.follow("topic=a", None).await;
    stream.primed().await;
    let answer = functions.receive.call(publish("a", "1", &json!(1))).await.unwrap();
    assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{answer}");
    assert_eq!(*stream.event().await.payload(), 1);
    let log = functions.log().await;
    assert!(!log.contains(SECRET) && !log.contains(PASSWORD), "a secret is in a log");
}
