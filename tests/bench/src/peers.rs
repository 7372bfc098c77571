use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, ensure};

use crate::dialect::Dialect;
use crate::disk::Scratch;
use crate::publisher::ask;
use crate::scenario::TOPIC;
use crate::server::{Server, Site};

/// Another server that hands events out, measured beside the relay where it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Nchan,
    Durable,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Nchan, Self::Durable];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nchan => "nchan",
            Self::Durable => "durable-streams",
        }
    }

    /// Those that are installed.
    pub fn installed(site: &Site) -> Vec<Self> {
        Self::ALL.into_iter().filter(|peer| peer.program(site).is_some()).collect()
    }

    /// How to have it measured.
    pub fn to_install(self, site: &Site) -> String {
        match self {
            Self::Nchan => "apt-get install nginx-light libnginx-mod-nchan".to_owned(),
            Self::Durable => {
                let root = site.folder.join("peers");
                format!("cargo install --root {} durable-streams", root.display())
            }
        }
    }

    /// Starts it with everything in memory, on one core as the relay.
    pub fn start(self, site: &Site) -> anyhow::Result<Server> {
        let program = self.program(site).with_context(|| format!("no {}", self.name()))?;
        let address = free_address()?;
        let folder = Scratch::new(&site.folder, self.name())?;
        let mut command = site.leashed(&program)?;
        match self {
            Self::Nchan => {
                let file = folder.path().join("nginx.conf");
                fs::write(&file, nginx(address, folder.path()))?;
                command.arg("-e").arg("stderr").arg("-p").arg(folder.path()).arg("-c").arg(file);
            }
            Self::Durable => {
                command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
                command.args(["--durability", "memory", "--data-dir"]).arg(folder.path());
            }
        }
        let dialect = match self {
            Self::Nchan => Dialect::Nchan,
            Self::Durable => Dialect::Durable,
        };
        let server = Server::start_at(command, address, dialect, folder)?;
        if self == Self::Durable {
            let create = format!(
                "PUT /{TOPIC} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
                 content-length: 0\r\n\r\n"
            );
            let answer = ask(address, create.as_bytes())?;
            ensure!(answer.starts_with("HTTP/1.1 201"), "no stream was made: {answer}");
        }
        Ok(server)
    }

    fn program(self, site: &Site) -> Option<PathBuf> {
        match self {
            Self::Nchan => {
                let program = PathBuf::from("/usr/sbin/nginx");
                (program.exists() && Path::new(NCHAN).exists()).then_some(program)
            }
            Self::Durable => {
                let path = env::var_os("PATH").unwrap_or_default();
                let own = [site.folder.join("peers/bin")];
                let mut folders = own.into_iter().chain(env::split_paths(&path));
                folders.find_map(|folder| {
                    let program = folder.join("durable-streams-server");
                    program.exists().then_some(program)
                })
            }
        }
    }
}

const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// One process that does everything, with room for every event of a round and for 10,000 streams.
fn nginx(address: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "load_module {NCHAN};
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 16384; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  client_body_in_single_buffer on; client_body_buffer_size 16k;
  nchan_shared_memory_size 1024m;
  server {{
    listen {address} backlog=4096;
    location ~ ^/publish/(.+)$ {{
      nchan_publisher; nchan_channel_id $1;
      nchan_message_buffer_length 20000; nchan_message_timeout 10m;
    }}
    location ~ ^/live/(.+)$ {{
      nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest;
    }}
    location ~ ^/oldest/(.+)$ {{
      nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message oldest;
    }}
  }}
}}
"
    )
}

/// An address that nobody listens at.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
