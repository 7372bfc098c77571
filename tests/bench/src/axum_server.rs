use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::serve::ListenerExt;
use redis::aio::MultiplexedConnection;
use tokio::net::TcpListener;

use crate::scenario::RECORD_BYTES;

/// As long as what the relay answers to a publish.
const ANSWER: &str = r#"{"cursor":"1795325155950-1","id":"01a201b7-dfbf-7115-8ced-87ad64f52fe7","outcome":"appended"}"#;

/// Serves with the relay's axum and hyper, and does nothing but read the bodies of requests and answer them; with a
/// Redis, once a bare `XADD` of as many bytes as an event has is answered, over one connection that pipelines them.
pub fn serve(redis: Option<&str>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|socket| {
            // A socket that refuses it serves all the same.
            drop(socket.set_nodelay(true));
        });
        let router = match redis {
            None => Router::new().fallback(take),
            Some(url) => {
                let redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
                Router::new().fallback(keep).with_state(redis)
            }
        };
        Ok(axum::serve(listener, router).await?)
    })
}

async fn take(_body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], ANSWER)
}

async fn keep(State(mut redis): State<MultiplexedConnection>, _body: Bytes) -> impl IntoResponse {
    let mut xadd = redis::cmd("XADD");
    xadd.arg("bare").arg("*").arg("r").arg(&[b'x'; RECORD_BYTES][..]);
    match xadd.query_async::<()>(&mut redis).await {
        Ok(()) => ([(CONTENT_TYPE, "application/json")], ANSWER).into_response(),
        Err(_away) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
