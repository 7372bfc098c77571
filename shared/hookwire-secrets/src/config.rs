use std::fmt;
use std::time::Duration;

use reqwest::Url;

use crate::FetchError;
use crate::credentials::CredentialsSource;
use crate::reference::Service;

/// How secrets are fetched.
pub struct SecretsConfig {
    pub(crate) region: Option<String>,
    pub(crate) endpoints: Endpoints,
    /// Whether AWS is asked where it has IPv6 as well.
    is_dual_stack: bool,
    pub(crate) credentials: CredentialsSource,
    /// How long a connection may take.
    pub connect_within: Duration,
    /// How long one request may take, its connection included.
    pub answer_within: Duration,
    /// How long everything may take.
    ///
    /// Must stay below the 10 s that Lambda gives a function for its start.
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
    pub within: Duration,
}

/// What is asked in the place of AWS.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    secrets_manager: Option<String>,
    ssm: Option<String>,
    any: Option<String>,
}

impl SecretsConfig {
    /// Takes region, credentials and endpoints from the variables that every AWS client takes them from.
    ///
    /// Credentials are those of the environment, where Lambda puts them, or those of the container's role. Files in `~/.aws`
    /// and the role of an EC2 instance are not looked for.
    pub fn from_variables<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Self {
        let owned = |name| variable(name).map(str::to_owned);
        Self {
            region: owned("AWS_REGION").or_else(|| owned("AWS_DEFAULT_REGION")),
            endpoints: Endpoints {
                secrets_manager: owned("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
                ssm: owned("AWS_ENDPOINT_URL_SSM"),
                any: owned("AWS_ENDPOINT_URL"),
            },
            is_dual_stack: variable("AWS_USE_DUALSTACK_ENDPOINT") == Some("true"),
            credentials: CredentialsSource::from_variables(&variable),
            connect_within: Duration::from_secs(1),
            answer_within: Duration::from_secs(2),
            within: Duration::from_secs(8),
        }
    }

    /// Where the service is asked, in this region.
    pub(crate) fn endpoint(&self, service: Service, region: &str) -> Result<Url, FetchError> {
        let (variable, own) = match service {
            Service::SecretsManager => {
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.endpoints.secrets_manager)
            }
            Service::Ssm => ("AWS_ENDPOINT_URL_SSM", &self.endpoints.ssm),
        };
        let given = own.as_ref().map(|url| (variable, url));
        let given = given.or(self.endpoints.any.as_ref().map(|url| ("AWS_ENDPOINT_URL", url)));
        if let Some((variable, url)) = given {
            let url = Url::parse(url).ok().filter(Url::has_host);
            return url.ok_or(FetchError::BadEndpoint { variable });
        }
        if self.is_dual_stack {
            let domain =
                if region.starts_with("cn-") { "api.amazonwebservices.com.cn" } else { "api.aws" };
            let url = Url::parse(&format!("https://{}.{region}.{domain}/", service.name()));
            return url.ok().filter(|_| is_region(region)).ok_or(FetchError::NoRegion);
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = Url::parse(&format!("https://{}.{region}.{domain}/", service.name()));
        url.ok().filter(|_| is_region(region)).ok_or(FetchError::NoRegion)
    }
}

fn is_region(region: &str) -> bool {
    region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl fmt::Debug for SecretsConfig {
    // Not derived: credentials are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsConfig").field("region", &self.region).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variables: &[(&str, &'static str)], service: Service, region: &str) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| *value)
        };
        let endpoint = SecretsConfig::from_variables(variable).endpoint(service, region);
        endpoint.map_or_else(|error| error.to_string(), Into::into)
    }

    #[test]
    fn each_service_has_an_endpoint_in_each_region() {
        let (manager, ssm) = (Service::SecretsManager, Service::Ssm);
        for (service, region, url) in [
            (manager, "eu-west-1", "https://secretsmanager.eu-west-1.amazonaws.com/"),
            (ssm, "us-gov-west-1", "https://ssm.us-gov-west-1.amazonaws.com/"),
            (manager, "cn-north-1", "https://secretsmanager.cn-north-1.amazonaws.com.cn/"),
        ] {
            assert_eq!(endpoint(&[], service, region), url);
        }
        let dual = [("AWS_USE_DUALSTACK_ENDPOINT", "true")];
        let told = "https://secretsmanager.eu-west-1.api.aws/";
        assert_eq!(endpoint(&dual, manager, "eu-west-1"), told);
        assert_eq!(
            endpoint(&dual, ssm, "cn-north-1"),
            "https://ssm.cn-north-1.api.amazonwebservices.com.cn/"
        );
        assert!(endpoint(&dual, ssm, "evil.example/").contains("AWS_REGION"));
        assert!(endpoint(&[], ssm, "evil.example/").contains("AWS_REGION"));
    }

    #[test]
    fn endpoints_are_set_for_one_service_or_for_all() {
        let variables = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:2/ssm"),
        ];
        let manager = endpoint(&variables, Service::SecretsManager, "eu-west-1");
        assert_eq!(manager, "http://127.0.0.1:1/");
        assert_eq!(endpoint(&variables, Service::Ssm, "eu-west-1"), "http://127.0.0.1:2/ssm");
        let bad = [("AWS_ENDPOINT_URL_SECRETS_MANAGER", "localhost:4566")];
        let told = endpoint(&bad, Service::SecretsManager, "eu-west-1");
        assert!(told.contains("AWS_ENDPOINT_URL_SECRETS_MANAGER says"), "{told}");
    }
}
