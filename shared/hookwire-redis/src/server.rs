use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::cluster::ClusterClientBuilder;
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo, ProtocolVersion, PushInfo, RedisConnectionInfo, RedisResult,
    TlsCertificates, TlsMode,
};
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc};

use crate::address::Shape;
use crate::connection::Connection;
use crate::{RedisAddress, RedisConfig};

/// Certificates for Redis over TLS, each in PEM.
#[derive(Clone, Default)]
pub struct Certificates {
    /// Authority that signed the servers' certificates; those of the system without it.
    pub ca: Option<Vec<u8>>,
    /// This client's certificate and its key, for servers that ask for one.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ca, client } = self;
        f.debug_struct("Certificates")
            .field("ca", &ca.is_some())
            .field("client", &client.is_some())
            .finish()
    }
}

/// Whoever keeps the data: every connection is made to the one that does so at that moment.
#[derive(Clone)]
pub(crate) struct Server {
    source: Source,
    timing: AsyncConnectionConfig,
    answer_within: Duration,
}

#[derive(Clone)]
enum Source {
    Standalone(Box<Client>),
    /// Asked anew for each connection.
    Sentinel(Arc<Mutex<SentinelClient>>),
    /// A client has to be built anew for each connection that subscribes, since what is pushed goes with the client.
    Cluster(Arc<RedisConfig>, Vec<ConnectionInfo>),
}

/// Retries that a cluster's client makes by itself: a slot that moved, a node that is about to be replaced.
const CLUSTER_RETRIES: u32 = 3;

/// How many times longer an answer may take on a subscription: to take it for dead costs a read of every topic.
const SUBSCRIPTION_PATIENCE: u32 = 4;

impl Server {
    /// Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// A certificate cannot be read.
    pub(crate) fn new(config: &RedisConfig) -> RedisResult<Self> {
        let timing = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_within))
            .set_response_timeout(Some(config.answer_within));
        let source = match &config.address.shape {
            Shape::Standalone => Source::Standalone(Box::new(standalone(config)?)),
            Shape::Sentinel { service } => {
                Source::Sentinel(Arc::new(Mutex::new(sentinel(config, service)?)))
            }
            Shape::Cluster => Source::Cluster(Arc::new(config.clone()), nodes(config)?),
        };
        Ok(Self { source, timing, answer_within: config.answer_within })
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.source, Source::Cluster(..))
    }

    /// Connects for commands, or for a subscription too: then everything that is published goes to `pushes`, and so does
    /// word of the connection's end.
    ///
    /// Boxed: the futures of Sentinels and clusters are large, and nested deeper than the compiler follows.
    pub(crate) fn connect(
        &self,
        pushes: Option<mpsc::UnboundedSender<PushInfo>>,
    ) -> BoxFuture<'_, RedisResult<Connection>> {
        Box::pin(async move {
            let client = match &self.source {
                Source::Standalone(client) => Client::clone(client),
                Source::Sentinel(sentinel) => sentinel.lock().await.async_get_client().await?,
                Source::Cluster(config, nodes) => {
                    let builder = cluster(config, nodes);
                    let builder = match pushes {
                        Some(pushes) => {
                            let within = config.answer_within * SUBSCRIPTION_PATIENCE;
                            builder.push_sender(pushes).response_timeout(within)
                        }
                        None => builder,
                    };
                    return builder.build()?.get_async_connection().await.map(Connection::Cluster);
                }
            };
            let timing = match pushes {
                Some(pushes) => {
                    let within = self.answer_within * SUBSCRIPTION_PATIENCE;
                    let timing = self.timing.clone().set_response_timeout(Some(within));
                    timing.set_push_sender(pushes)
                }
                None => self.timing.clone(),
            };
            client.get_multiplexed_async_connection_with_config(&timing).await.map(Connection::One)
        })
    }
}

fn standalone(config: &RedisConfig) -> RedisResult<Client> {
    let node = nodes(config)?.swap_remove(0);
    if config.address.tls {
        return Client::build_with_tls(node, tls(config));
    }
    Client::open(node)
}

fn sentinel(config: &RedisConfig, service: &str) -> RedisResult<SentinelClient> {
    let address = &config.address;
    let hosts = address.hosts.iter().map(|host| connection_address(address, host));
    let mut builder = SentinelClientBuilder::new(hosts, service, SentinelServerType::Master)?
        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
        .set_client_to_redis_tcp_settings(tcp())
        .set_client_to_sentinel_tcp_settings(tcp());
    if let Some(username) = &address.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = &address.password {
        builder = builder.set_client_to_redis_password(password);
    }
    if address.tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(tls(config))
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(tls(config));
    }
    builder.build()
}

fn cluster(config: &RedisConfig, nodes: &[ConnectionInfo]) -> ClusterClientBuilder {
    let mut builder = ClusterClientBuilder::new(nodes.iter().cloned())
        .use_protocol(ProtocolVersion::RESP3)
        .tcp_settings(tcp())
        .connection_timeout(config.connect_within)
        .response_timeout(config.answer_within)
        .overall_response_timeout(Some(config.answer_within * CLUSTER_RETRIES))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(10)
        .max_retry_wait(200);
    if config.address.tls {
        builder = builder.tls(TlsMode::Secure).certs(tls(config));
    }
    builder
}

fn nodes(config: &RedisConfig) -> RedisResult<Vec<ConnectionInfo>> {
    let address = &config.address;
    let mut settings = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("hookwire", env!("CARGO_PKG_VERSION"))
        .set_db(address.database);
    if let Some(username) = &address.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = &address.password {
        settings = settings.set_password(password);
    }
    let node = |host: &(String, u16)| {
        let info = connection_address(address, host).into_connection_info()?;
        Ok(info.set_redis_settings(settings.clone()).set_tcp_settings(tcp()))
    };
    address.hosts.iter().map(node).collect()
}

fn connection_address(address: &RedisAddress, (host, port): &(String, u16)) -> ConnectionAddr {
    let (host, port) = (host.clone(), *port);
    match address.tls {
        true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        false => ConnectionAddr::Tcp(host, port),
    }
}

/// Small writes that must not wait for one another.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn tls(config: &RedisConfig) -> TlsCertificates {
    let Certificates { ca, client } = config.certificates.clone();
    let client = client.map(|(cert, key)| ClientTlsConfig { client_cert: cert, client_key: key });
    TlsCertificates { client_tls: client, root_cert: ca }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::Standalone(_) => "Standalone",
            Source::Sentinel(_) => "Sentinel",
            Source::Cluster(..) => "Cluster",
        })
    }
}
