use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Where a queue is: `https://HOST/ACCOUNT/NAME`, as SQS tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct QueueUrl {
    text: String,
    /// Where the path begins.
    path: usize,
    /// Where the name begins.
    name: usize,
}

/// Why a text is no URL of a queue that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQueueUrl {
    /// Neither `https://` nor `http://`.
    #[error("it begins with none of https://, http://")]
    Scheme,
    /// User and password have no place in it.
    #[error(
        "it holds credentials; they come from the role of the process or from AWS_ACCESS_KEY_ID"
    )]
    Credentials,
    /// No host, or one that cannot be one.
    #[error("a host is missing; it is https://HOST/ACCOUNT/NAME")]
    Host,
    /// The part behind the host.
    #[error("what follows the host is the account and the name of the queue, /ACCOUNT/NAME")]
    Path,
    /// A FIFO queue.
    #[error(
        "it is a FIFO queue, which takes no delay for a single message; use a standard queue, events are deduplicated \
         by the log"
    )]
    Fifo,
    /// Events would cross a network in the clear.
    #[error("plain http is for emulators on this machine (localhost, 127.0.0.1); use https")]
    Plain,
}

impl FromStr for QueueUrl {
    type Err = InvalidQueueUrl;

    fn from_str(text: &str) -> Result<Self, InvalidQueueUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidQueueUrl::Scheme)?;
        if !matches!(scheme, "https" | "http") {
            return Err(InvalidQueueUrl::Scheme);
        }
        if rest.contains('@') {
            return Err(InvalidQueueUrl::Credentials);
        }
        let (authority, path) = rest.split_once('/').ok_or(InvalidQueueUrl::Path)?;
        let host = host_of(authority).ok_or(InvalidQueueUrl::Host)?;
        if scheme == "http" && !is_this_machine(host) {
            return Err(InvalidQueueUrl::Plain);
        }
        let (account, name) = path.split_once('/').ok_or(InvalidQueueUrl::Path)?;
        if name.ends_with(".fifo") {
            return Err(InvalidQueueUrl::Fifo);
        }
        if !is_word(account) || !is_word(name) || name.len() > NAME_CHARACTERS {
            return Err(InvalidQueueUrl::Path);
        }
        let path = scheme.len() + "://".len() + authority.len();
        Ok(Self { text: text.to_owned(), path, name: text.len() - name.len() })
    }
}

/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
const NAME_CHARACTERS: usize = 80;

fn is_word(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.chars().all(is_letter)
}

/// The host before its port; an IPv6 address without its brackets.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':').or(after.is_empty().then_some("80")))
        }
        None => {
            let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
            let is_label = |label: &str| !label.is_empty() && is_word(label);
            (host, host.split('.').all(is_label).then_some(port))
        }
    };
    port?.parse::<u16>().ok().map(|_port| host)
}

/// Whether what is sent there stays on this machine.
fn is_this_machine(host: &str) -> bool {
    // LocalStack's name for 127.0.0.1, with which it makes URLs.
    is_localhost(host)
        || host.ends_with("localhost.localstack.cloud")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

impl QueueUrl {
    /// The name of the queue.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(self.name..).unwrap_or_default()
    }

    /// The whole of it, as SQS takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The region that stands in the host.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        let mut labels = self.host().split('.');
        // Hosts of the first years: REGION.queue.amazonaws.com, and without a region where there was only one.
        if let Some(first) = self.host().strip_suffix("queue.amazonaws.com") {
            return Some(first.strip_suffix('.').unwrap_or("us-east-1"));
        }
        labels.find(|label| matches!(*label, "sqs" | "sqs-fips"))?;
        labels.next().filter(|label| is_region(label))
    }

    /// The queue of that name beside this one.
    pub(crate) fn sibling(&self, name: &str) -> Self {
        let beside = self.text.get(..self.name).unwrap_or_default();
        Self { text: format!("{beside}{name}"), ..self.clone() }
    }

    /// Whether it is an emulator on this machine.
    pub(crate) fn is_emulator(&self) -> bool {
        self.text.starts_with("http://")
    }

    /// Whether it asks for the endpoints with validated cryptography.
    pub(crate) fn is_fips(&self) -> bool {
        self.host().starts_with("sqs-fips.")
    }

    /// Whether it asks for the endpoints with IPv6.
    pub(crate) fn is_dual_stack(&self) -> bool {
        self.host().contains(".api.a")
    }

    /// Where requests go, if not to an endpoint that the client library knows for the region.
    pub(crate) fn endpoint(&self) -> Option<String> {
        let host = self.host();
        let is_public =
            host.starts_with("sqs.") || self.is_fips() || host.ends_with("queue.amazonaws.com");
        if is_public && !self.is_emulator() && self.region().is_some() {
            return None;
        }
        let origin = self.text.get(..self.path)?;
        // Emulators make such names and few resolvers know them.
        match is_localhost(host) {
            true => Some(origin.replace(host, "localhost")),
            false => Some(origin.to_owned()),
        }
    }

    fn host(&self) -> &str {
        let authority = self.text.get(..self.path).and_then(|origin| origin.split_once("://"));
        authority.and_then(|(_, authority)| host_of(authority)).unwrap_or_default()
    }
}

/// As in `us-gov-west-1`.
fn is_region(label: &str) -> bool {
    let mut parts = label.rsplit('-');
    parts.next().is_some_and(|last| last.parse::<u8>().is_ok()) && parts.count() >= 2
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_and_endpoint_are_read_from_the_host() {
        for (host, region, endpoint) in [
            ("https://sqs.eu-west-1.amazonaws.com", Some("eu-west-1"), None),
            ("https://sqs.cn-north-1.amazonaws.com.cn", Some("cn-north-1"), None),
            ("https://sqs.eusc-de-east-1.amazonaws.eu", Some("eusc-de-east-1"), None),
            ("https://sqs-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1"), None),
            ("https://sqs.us-east-1.api.aws", Some("us-east-1"), None),
            ("https://ap-south-1.queue.amazonaws.com", Some("ap-south-1"), None),
            ("https://queue.amazonaws.com", Some("us-east-1"), None),
            (
                "https://vpce-0a-b.sqs.us-west-2.vpce.amazonaws.com",
                Some("us-west-2"),
                Some("https://vpce-0a-b.sqs.us-west-2.vpce.amazonaws.com"),
            ),
            ("https://sqs.internal:8443", None, Some("https://sqs.internal:8443")),
            ("http://localhost:9324", None, Some("http://localhost:9324")),
            ("http://[::1]:9324", None, Some("http://[::1]:9324")),
            (
                "http://sqs.us-east-1.localhost:4566",
                Some("us-east-1"),
                Some("http://localhost:4566"),
            ),
        ] {
            let url: QueueUrl = format!("{host}/000000000000/hooks").parse().unwrap();
            assert_eq!((url.region(), url.endpoint().as_deref()), (region, endpoint), "{host}");
            assert_eq!(url.name(), "hooks");
            assert_eq!(url.sibling("dead").to_string(), format!("{host}/000000000000/dead"));
            assert_eq!(url.is_fips(), host.contains("fips"));
            assert_eq!(url.is_dual_stack(), host.contains("api.aws"));
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, wrong) in [
            ("hooks", InvalidQueueUrl::Scheme),
            ("ftp://sqs.us-east-1.amazonaws.com/1/hooks", InvalidQueueUrl::Scheme),
            (
                "https://key:secret@sqs.us-east-1.amazonaws.com/1/hooks",
                InvalidQueueUrl::Credentials,
            ),
            ("https:///1/hooks", InvalidQueueUrl::Host),
            ("https://a b/1/hooks", InvalidQueueUrl::Host),
            ("https://a..b/1/hooks", InvalidQueueUrl::Host),
            ("https://host:port/1/hooks", InvalidQueueUrl::Host),
            ("https://[1]/1/hooks", InvalidQueueUrl::Host),
            ("https://sqs.us-east-1.amazonaws.com", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com/hooks", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com/1/hooks/", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com/1/hooks?x=1", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com//hooks", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com/1/", InvalidQueueUrl::Path),
            ("https://sqs.us-east-1.amazonaws.com/1/hooks.fifo", InvalidQueueUrl::Fifo),
            ("http://sqs.us-east-1.amazonaws.com/1/hooks", InvalidQueueUrl::Plain),
            ("http://localhost.example.com/1/hooks", InvalidQueueUrl::Plain),
            ("http://mylocalhost/1/hooks", InvalidQueueUrl::Plain),
            ("http://10.0.0.1/1/hooks", InvalidQueueUrl::Plain),
        ] {
            assert_eq!(text.parse::<QueueUrl>(), Err(wrong), "{text}");
        }
        let long = format!("https://sqs.us-east-1.amazonaws.com/1/{}", "a".repeat(81));
        assert_eq!(long.parse::<QueueUrl>(), Err(InvalidQueueUrl::Path));
    }

    #[test]
    fn an_emulator_on_this_machine_may_be_plain() {
        for host in [
            "localhost:4566",
            "127.0.0.1:4566",
            "[::1]:4566",
            "sqs.us-east-1.localhost.localstack.cloud:4566",
        ] {
            let url: QueueUrl = format!("http://{host}/000000000000/hooks").parse().unwrap();
            assert!(url.is_emulator(), "{host}");
        }
    }
}
