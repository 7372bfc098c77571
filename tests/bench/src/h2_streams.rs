use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use h2::RecvStream;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Streams over HTTP/2, many on a connection.
pub struct H2Streams {
    address: SocketAddr,
    runtime: Runtime,
    client: Option<SendRequest<bytes::Bytes>>,
    streams: Vec<RecvStream>,
}

impl H2Streams {
    /// As many as the relay takes on one connection.
    pub const PER_CONNECTION: usize = 100;

    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { address, runtime, client: None, streams: Vec::new() })
    }

    /// Opens streams until there are `count`, and waits until each has its priming id.
    pub fn open(&mut self, count: usize, topic: &str) -> anyhow::Result<()> {
        let Self { address, runtime, client, streams } = self;
        runtime.block_on(async {
            while streams.len() < count {
                if streams.len().is_multiple_of(Self::PER_CONNECTION) {
                    *client = Some(connect(*address).await?);
                }
                let client = client.clone().context("a connection is open")?;
                let mut client = client.ready().await?;
                let uri = format!("http://{address}/events?topic={topic}");
                let request = Request::get(uri).header("accept", "text/event-stream").body(())?;
                let (answer, _nothing_to_send) = client.send_request(request, true)?;
                let answer = answer.await?;
                ensure!(answer.status() == 200, "a stream was refused: {}", answer.status());
                let mut stream = answer.into_body();
                let mut text = Vec::new();
                while !text.windows(4).any(|four| four == b"id: ") {
                    let data = stream.data().await.context("the stream ended")??;
                    stream.flow_control().release_capacity(data.len())?;
                    text.extend_from_slice(&data);
                }
                streams.push(stream);
            }
            Ok(())
        })
    }

    /// Answers what the connections ask for so long.
    pub fn idle(&self, pause: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<bytes::Bytes>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (client, connection) = h2::client::handshake(socket).await?;
    // It ends with the runtime.
    drop(tokio::spawn(connection));
    Ok(client)
}
