use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::event::HttpEvent;
use super::function::{Function, Throttled};
use super::invocation::Invocation;
use super::reply::{Reply, Streamed};

/// Most that an invocation may be called with.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MOST_BYTES: usize = 6 << 20;

/// What stands between one connection and the next, and is nobody else's business.
const OF_THE_CONNECTION: [&str; 5] =
    ["connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"];

/// How a gateway is set up.
#[derive(Debug, Clone, Copy)]
pub struct GatewayOptions {
    listen: SocketAddr,
    tells_departures: bool,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), tells_departures: false }
    }
}

impl GatewayOptions {
    /// Has its one front on this port of this machine, and not on a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.listen.set_port(port);
        self
    }

    /// Lets the rest of a streamed answer be refused when its client is gone. No Lambda does that.
    #[must_use]
    pub fn tells_departures(mut self) -> Self {
        self.tells_departures = true;
        self
    }

    /// Starts to serve these functions.
    pub async fn start(self, receive: &Arc<Function>, stream: &Arc<Function>) -> Gateway {
        let mut serving = JoinSet::new();
        let mut listen =
            async |address: SocketAddr, receive: &Arc<Function>, stream: &Arc<Function>| {
                let listener = TcpListener::bind(address).await;
                let listener = listener.unwrap_or_else(|error| panic!("{address}: {error}"));
                let address = listener.local_addr().unwrap();
                let route = Route {
                    receive: Arc::clone(receive),
                    stream: Arc::clone(stream),
                    tells_departures: self.tells_departures,
                };
                let router = Router::new().fallback(serve).with_state(Arc::new(route));
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
                serving.spawn(async move { drop(axum::serve(listener, service).await) });
                address
            };
        let free = (Ipv4Addr::LOCALHOST, 0).into();
        let front = listen(self.listen, receive, stream).await;
        let api = listen(free, receive, receive).await;
        let url = listen(free, stream, stream).await;
        Gateway { front, api, url, _serving: serving }
    }
}

/// What stands between clients and functions: an HTTP API before `receive`, a function URL before `stream`, and one front
/// before both, which sends each request where its path belongs.
///
/// A client that is gone is not told of to the function, as on Lambda.
#[derive(Debug)]
pub struct Gateway {
    front: SocketAddr,
    api: SocketAddr,
    url: SocketAddr,
    _serving: JoinSet<()>,
}

impl Gateway {
    /// The one front, as the CloudFront distribution is.
    #[must_use]
    pub fn front(&self) -> String {
        format!("http://{}", self.front)
    }

    /// The HTTP API.
    #[must_use]
    pub fn api(&self) -> String {
        format!("http://{}", self.api)
    }

    /// The function URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.url)
    }
}

#[derive(Debug)]
struct Route {
    receive: Arc<Function>,
    stream: Arc<Function>,
    tells_departures: bool,
}

async fn serve(
    State(route): State<Arc<Route>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let function = match request.uri().path() {
        "/events" => &route.stream,
        _ => &route.receive,
    };
    let Some(event) = event(peer.ip(), request).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let invocation = Invocation::of(event);
    let invocation =
        if route.tells_departures { invocation.gone_with_its_caller() } else { invocation };
    match function.invoke(invocation).await {
        Err(Throttled) => refuse(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded."),
        Ok(Reply::Buffered(answer)) => buffered(&answer),
        Ok(Reply::Streamed(answer)) => streamed(answer),
        Ok(Reply::Failed(_)) => refuse(StatusCode::BAD_GATEWAY, "Internal Server Error"),
    }
}

/// What the function gets; nothing when that is too much for it.
async fn event(peer: IpAddr, request: Request) -> Option<Value> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.ok()?;
    let mut headers = parts.headers;
    // The length stays: it is that of the request.
    OF_THE_CONNECTION[..4].iter().for_each(|name| drop(headers.remove(*name)));
    let before = headers.get("x-forwarded-for").and_then(|before| before.to_str().ok());
    let forwarded = before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}"));
    headers.insert("x-forwarded-for", forwarded.parse().unwrap());
    headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let event = HttpEvent::new(parts.method.as_str(), path).headers(headers).body(body).from(peer);
    let event = Value::from(event);
    (event.to_string().len() <= MOST_BYTES).then_some(event)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "message": message }))).into_response()
}

fn buffered(answer: &Value) -> Response {
    let text = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"] == true {
        true => STANDARD.decode(text).unwrap(),
        false => text.as_bytes().to_vec(),
    };
    respond(answer, body.into())
}

fn streamed(answer: Streamed) -> Response {
    let prelude = answer.prelude.clone();
    let chunks = stream::try_unfold(answer, async |mut answer| {
        let chunk = answer.chunk().await?;
        Ok::<_, super::reply::Cut>(chunk.map(|chunk| (chunk.bytes, answer)))
    });
    respond(&prelude, Body::from_stream(chunks))
}

/// Status, headers and cookies are named alike in both kinds of answer.
fn respond(head: &Value, body: Body) -> Response {
    let mut response = Response::new(body);
    let status = head["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = head["headers"].as_object().into_iter().flatten();
    let headers = headers.filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
    let cookies = head["cookies"].as_array().into_iter().flatten();
    add(response.headers_mut(), headers.map(|(name, value)| (name.as_str(), value)));
    add(response.headers_mut(), cookies.map(|cookie| ("set-cookie", cookie)));
    response
}

fn add<'a>(to: &mut HeaderMap, headers: impl Iterator<Item = (&'a str, &'a Value)>) {
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        to.append(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
}
