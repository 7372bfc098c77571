use std::fmt;
use std::net::IpAddr;

use aws_credential_types::Credentials;
use http::StatusCode;
use http::header::AUTHORIZATION;
use reqwest::Url;
use serde::Deserialize;

use crate::client::{Answer, Client};
use crate::{FetchError, Trouble};

/// Where a container on ECS asks for the credentials of its role.
///
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
const ECS: &str = "http://169.254.170.2";

/// Who hands out credentials over plain HTTP beside this host itself: ECS, and EKS over IPv4 and IPv6.
const HANDED_OUT_BY: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// What requests are signed with, or who knows.
pub(crate) enum CredentialsSource {
    Given(Credentials),
    Container { url: String, token: Option<Token> },
    Nobody,
}

/// What the container proves itself with to who hands out credentials.
pub(crate) enum Token {
    Text(String),
    File(String),
}

/// What a role's credentials look like.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

impl CredentialsSource {
    pub(crate) fn from_variables<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Self {
        let owned = |name| variable(name).map(str::to_owned);
        if let (Some(id), Some(secret)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            let token = owned("AWS_SESSION_TOKEN");
            return Self::Given(Credentials::new(id, secret, token, None, "environment"));
        }
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = relative.map(|path| format!("{ECS}{path}"));
        match url.or_else(|| owned("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            None => Self::Nobody,
            Some(url) => {
                let file = owned("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(Token::File);
                let text = || owned("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Token::Text);
                Self::Container { url, token: file.or_else(text) }
            }
        }
    }

    pub(crate) async fn get(&self, client: &Client) -> Result<Credentials, FetchError> {
        match self {
            Self::Given(credentials) => Ok(credentials.clone()),
            Self::Container { url, token } => of_role(url, token.as_ref(), client).await,
            Self::Nobody => Err(FetchError::NoCredentials),
        }
    }
}

async fn of_role(
    url: &str,
    token: Option<&Token>,
    client: &Client,
) -> Result<Credentials, FetchError> {
    let url = Url::parse(url).ok().filter(is_trusted).ok_or(FetchError::BadCredentialsEndpoint)?;
    let token = match token {
        None => None,
        Some(Token::Text(text)) => Some(text.clone()),
        Some(Token::File(path)) => {
            let text = tokio::task::spawn_blocking({
                let path = path.clone();
                move || std::fs::read_to_string(path)
            });
            let text = text.await.ok().and_then(Result::ok);
            let unreadable = || {
                let what = "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read";
                FetchError::CredentialsUnavailable(Trouble::Unreachable(what.to_owned()))
            };
            Some(text.ok_or_else(unreadable)?)
        }
    };
    let request = |client: &reqwest::Client| {
        let request = client.get(url.clone());
        Ok(match &token {
            Some(token) => request.header(AUTHORIZATION, token.trim()),
            None => request,
        })
    };
    let answer = client.send(&url, |answer| answer.status != StatusCode::OK, request).await;
    let role = answer.and_then(|answer| read(&answer));
    let role = role.map_err(FetchError::CredentialsUnavailable)?;
    let Role { access_key_id, secret_access_key, token } = role;
    Ok(Credentials::new(access_key_id, secret_access_key, token, None, "container"))
}

fn read(answer: &Answer) -> Result<Role, Trouble> {
    let status = answer.status.as_u16();
    if status != 200 {
        return Err(Trouble::Status { status, code: String::new() });
    }
    serde_json::from_slice(&answer.body).map_err(|_what_it_holds_is_secret| Trouble::Unreadable)
}

/// Whether nobody between here and there can read the credentials.
fn is_trusted(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    match url.scheme() {
        "https" => true,
        "http" => {
            host == "localhost"
                || address.is_some_and(|address| address.is_loopback())
                || HANDED_OUT_BY.contains(&host)
        }
        _ => false,
    }
}

impl fmt::Debug for CredentialsSource {
    // Not derived: what it holds is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Container { .. } => "Container { … }",
            Self::Nobody => "Nobody",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_over_no_network_in_the_clear() {
        for (url, trusted) in [
            ("http://169.254.170.2/v2/credentials/x", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("http://127.0.0.1:1/x", true),
            ("http://[::1]:1/x", true),
            ("http://localhost/x", true),
            ("https://vault.example/x", true),
            ("http://vault.example/x", false),
            ("http://169.254.170.2.example/x", false),
            ("http://10.0.0.1/x", false),
            ("file:///etc/credentials", false),
        ] {
            assert_eq!(is_trusted(&url.parse().unwrap()), trusted, "{url}");
        }
    }
}
