use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use hookwire_http::{AnswerBy, Peer};
use http::uri::Authority;
use http::{Extensions, HeaderMap, header};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Context, LambdaEvent, Request, RequestExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::time::Instant;

/// What an answer ends before its deadline, so that its end still goes over the wire.
const GRACE: Duration = Duration::from_secs(2);

/// What cannot stand in a query as it is.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
/// What cannot stand in a path as it is, nor what would end one: an API decodes the paths that it hands on.
const PATH: &AsciiSet = &QUERY.add(b'?').add(b'`').add(b'{').add(b'}').add(b'\\');

/// Mends what of an event is no HTTP request: the library panics on it, and the client would see a 502.
pub(crate) fn mended(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        mend(request);
    }
    event
}

fn mend(request: &mut ApiGatewayV2httpRequest) {
    let path = request.raw_path.take().unwrap_or_default();
    // The stage is the deployment's and not the client's; the library would put it in front of every path.
    let stage = request.request_context.stage.take().filter(|stage| stage != "$default");
    let path =
        stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(&stage)).unwrap_or(&path);
    let path = utf8_percent_encode(path, PATH).to_string();
    request.raw_path = Some(if path.starts_with('/') { path } else { format!("/{path}") });
    let query = request.raw_query_string.take();
    request.raw_query_string = query.map(|query| utf8_percent_encode(&query, QUERY).to_string());
    let host = request.headers.get(header::HOST).map(|host| Authority::try_from(host.as_bytes()));
    if host.is_some_and(|host| host.is_err()) {
        request.headers.remove(header::HOST);
    }
    if !is_http(&request.headers) {
        request.headers.remove("x-forwarded-proto");
    }
}

fn is_http(headers: &HeaderMap) -> bool {
    let scheme = headers.get("x-forwarded-proto");
    scheme.is_none_or(|scheme| [b"http".as_slice(), b"https"].contains(&scheme.as_bytes()))
}

/// Adds what the listener of a process would know: who is at the other end, and until when an answer may take.
pub(crate) fn known(mut request: Request) -> Request {
    let peer = peer(request.extensions());
    let answer_by = request.lambda_context_ref().and_then(answer_by);
    request.extensions_mut().insert(peer);
    if let Some(answer_by) = answer_by {
        request.extensions_mut().insert(answer_by);
    }
    request
}

/// Whoever has no address is counted together with all who have none.
fn peer(extensions: &Extensions) -> Peer {
    let address = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    let address = address.and_then(|address| address.parse().ok());
    Peer(SocketAddr::new(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), 0))
}

/// Emulators send a time that is long past; then it is not known.
fn answer_by(context: &Context) -> Option<AnswerBy> {
    let left = context.deadline().duration_since(SystemTime::now()).ok()?;
    Some(AnswerBy(Instant::now() + left.saturating_sub(GRACE)))
}
