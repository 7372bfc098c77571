use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// Where Redis is and how it is reached.
///
/// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` for one server, `redis+sentinel://[…@]HOST[:PORT],…/SERVICE` for the
/// master that Sentinels know by that name, `redis+cluster://[…@]HOST[:PORT],…` for a cluster; with `rediss` instead of
/// `redis` over TLS. User and password are those of the servers that keep the data, not those of Sentinels.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    pub(crate) shape: Shape,
    pub(crate) tls: bool,
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: i64,
}

/// How the servers stand to one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Standalone,
    Sentinel { service: String },
    Cluster,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// None of the schemes.
    #[error("it begins with none of redis://, redis+sentinel://, redis+cluster://, rediss://, …")]
    Scheme,
    /// No host, or one that cannot be one.
    #[error("a host is missing; hosts are HOST or HOST:PORT, joined by commas")]
    Host,
    /// Several hosts where there is one server.
    #[error("one server has one host; for several use redis+sentinel:// or redis+cluster://")]
    ManyHosts,
    /// Sentinels know masters by a name.
    #[error("the name of the master is missing, such as in redis+sentinel://HOST:26379/mymaster")]
    Service,
    /// The part behind the hosts.
    #[error("what follows the hosts is a number, the database; a cluster has none")]
    Database,
    /// Percent signs that encode no text.
    #[error("user and password are percent-encoded UTF-8")]
    Credentials,
}

impl FromStr for RedisAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidAddress::Scheme)?;
        let (base, shape) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match base {
            "redis" => false,
            "rediss" => true,
            _ => return Err(InvalidAddress::Scheme),
        };
        let (rest, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) =
            rest.rsplit_once('@').map_or((None, rest), |(before, after)| (Some(before), after));
        let (username, password) = credentials.map_or(Ok((None, None)), parse_credentials)?;
        let (shape, default_port) = match shape {
            "" => (Shape::Standalone, 6379),
            "cluster" => (Shape::Cluster, 6379),
            "sentinel" => (Shape::Sentinel { service: path.to_owned() }, 26379),
            _ => return Err(InvalidAddress::Scheme),
        };
        let hosts = hosts.split(',').map(|host| parse_host(host, default_port));
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        let database = match &shape {
            Shape::Standalone if hosts.len() > 1 => return Err(InvalidAddress::ManyHosts),
            Shape::Standalone if !path.is_empty() => {
                path.parse().map_err(|_not_a_number| InvalidAddress::Database)?
            }
            Shape::Cluster if !path.is_empty() => return Err(InvalidAddress::Database),
            Shape::Sentinel { service } if service.is_empty() => {
                return Err(InvalidAddress::Service);
            }
            Shape::Standalone | Shape::Sentinel { .. } | Shape::Cluster => 0,
        };
        Ok(Self { shape, tls, hosts, username, password, database })
    }
}

fn parse_credentials(text: &str) -> Result<(Option<String>, Option<String>), InvalidAddress> {
    let decode = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8();
        let decoded = decoded.map_err(|_not_utf8| InvalidAddress::Credentials)?;
        Ok((!decoded.is_empty()).then(|| decoded.into_owned()))
    };
    let (username, password) = text.split_once(':').unwrap_or((text, ""));
    Ok((decode(username)?, decode(password)?))
}

fn parse_host(text: &str, default_port: u16) -> Result<(String, u16), InvalidAddress> {
    // An IPv6 address stands in brackets, since it is full of colons.
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(default_port), str::parse).map_err(|_detail| InvalidAddress::Host)?;
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
    if is_host { Ok((host.to_owned(), port)) } else { Err(InvalidAddress::Host) }
}

impl RedisAddress {
    /// Whether it says a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.hosts.iter().all(|(host, _)| {
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
        })
    }

    /// The same address with this password, as it is.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..self }
    }

    fn scheme(&self) -> &'static str {
        match (&self.shape, self.tls) {
            (Shape::Standalone, false) => "redis",
            (Shape::Standalone, true) => "rediss",
            (Shape::Sentinel { .. }, false) => "redis+sentinel",
            (Shape::Sentinel { .. }, true) => "rediss+sentinel",
            (Shape::Cluster, false) => "redis+cluster",
            (Shape::Cluster, true) => "rediss+cluster",
        }
    }
}

/// Without user and password, for logs.
impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        for (index, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let bracket = |sign: &'static str| if host.contains(':') { sign } else { "" };
            write!(f, "{comma}{}{host}{}:{port}", bracket("["), bracket("]"))?;
        }
        match &self.shape {
            Shape::Sentinel { service } => write!(f, "/{service}"),
            Shape::Standalone if self.database != 0 => write!(f, "/{}", self.database),
            Shape::Standalone | Shape::Cluster => Ok(()),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://localhost/", "redis://localhost:6379"),
            ("rediss://u:p%40ss@h:7/2", "rediss://h:7/2"),
            ("redis://:secret@[::1]:7", "redis://[::1]:7"),
            ("redis+sentinel://a,b:7/mymaster", "redis+sentinel://a:26379,b:7/mymaster"),
            ("rediss+cluster://u:p@a:1,b:2", "rediss+cluster://a:1,b:2"),
        ] {
            let address: RedisAddress = text.parse().unwrap();
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.into(), shown.into()));
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        let address: RedisAddress = "redis://al%3Aice:p%40ss@h".parse().unwrap();
        assert_eq!(address.username.as_deref(), Some("al:ice"));
        assert_eq!(address.password.as_deref(), Some("p@ss"));
    }

    #[test]
    fn a_password_is_given_beside_the_address_as_it_is() {
        let address: RedisAddress = "redis+sentinel://alice@a,b/m".parse().unwrap();
        assert!(!address.has_password());
        let address = address.with_password("p%40ss");
        assert!(address.has_password());
        let decoded = "redis+sentinel://alice:p%2540ss@a,b/m".parse();
        assert_eq!(Ok(address), decoded);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, wrong) in [
            ("mysql://h", InvalidAddress::Scheme),
            ("redis+other://h", InvalidAddress::Scheme),
            ("redis://", InvalidAddress::Host),
            ("redis://h:x", InvalidAddress::Host),
            ("redis://a b", InvalidAddress::Host),
            ("redis://a,b", InvalidAddress::ManyHosts),
            ("redis://h/x", InvalidAddress::Database),
            ("redis+cluster://h/1", InvalidAddress::Database),
            ("redis+sentinel://h", InvalidAddress::Service),
            ("redis://%ff@h", InvalidAddress::Credentials),
        ] {
            assert_eq!(text.parse::<RedisAddress>(), Err(wrong), "{text}");
        }
    }
}
