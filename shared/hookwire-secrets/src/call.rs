use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::{RequestBuilder, Url};
use serde_json::json;

use crate::client::Client;
use crate::reference::{Secret, Service};
use crate::{FetchError, SecretsConfig, Trouble, answer};

/// One question for one secret.
///
/// Both services speak the same protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>
pub(crate) struct Call {
    service: Service,
    region: String,
    url: Url,
    headers: [(&'static str, &'static str); 2],
    body: String,
}

impl Call {
    pub(crate) fn new(secret: &Secret, config: &SecretsConfig) -> Result<Self, FetchError> {
        // The ARN knows best: a function in one region may use a secret of another.
        let region = secret.region().or(config.region.as_deref()).ok_or(FetchError::NoRegion)?;
        let (target, body) = match secret.service {
            Service::SecretsManager => {
                ("secretsmanager.GetSecretValue", json!({ "SecretId": secret.id }))
            }
            Service::Ssm => {
                ("AmazonSSM.GetParameter", json!({ "Name": secret.id, "WithDecryption": true }))
            }
        };
        Ok(Self {
            service: secret.service,
            region: region.to_owned(),
            url: config.endpoint(secret.service, region)?,
            headers: [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)],
            body: body.to_string(),
        })
    }

    /// Asks, and once more when whoever was asked had trouble of its own.
    pub(crate) async fn make(
        &self,
        client: &Client,
        credentials: Result<&Credentials, &FetchError>,
    ) -> Result<String, FetchError> {
        let credentials = credentials.map_err(FetchError::clone)?;
        let request = |client: &reqwest::Client| self.request(client, credentials);
        let answer = client.send(&self.url, answer::is_passing, request).await;
        let outcome = answer.and_then(|answer| answer::read(&answer, self.service, &self.region));
        outcome.map_err(|trouble| self.unavailable(trouble))?
    }

    fn request(
        &self,
        client: &reqwest::Client,
        credentials: &Credentials,
    ) -> Result<RequestBuilder, Trouble> {
        let signature = self.signature(credentials).ok_or(Trouble::Unsigned)?;
        let request = client.post(self.url.clone()).body(self.body.clone());
        let request = self
            .headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        Ok(signature
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value)))
    }

    /// The headers that say who asks, over everything that is sent.
    ///
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
    fn signature(&self, credentials: &Credentials) -> Option<Vec<(&'static str, String)>> {
        let identity = credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.name())
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let body = SignableBody::Bytes(self.body.as_bytes());
        let headers = self.headers.iter().copied();
        let request = SignableRequest::new("POST", self.url.as_str(), headers, body).ok()?;
        let (instructions, _signature) = sign(request, &params).ok()?.into_parts();
        let (headers, _query) = instructions.into_parts();
        Some(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }

    fn unavailable(&self, trouble: Trouble) -> FetchError {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        FetchError::Unavailable { host: format!("{host}{port}"), trouble }
    }
}
