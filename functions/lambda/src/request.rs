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
use url::Url;

use crate::answered::GOES_OUT_ON;

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
    let behind_it = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(&stage));
    let behind_it = behind_it.filter(|path| path.is_empty() || path.starts_with('/'));
    let path = behind_it.unwrap_or(&path);
    let path = utf8_percent_encode(path, PATH).to_string();
    request.raw_path = Some(if path.starts_with('/') { path } else { format!("/{path}") });
    let query = request.raw_query_string.take();
    request.raw_query_string = query.map(|query| utf8_percent_encode(&query, QUERY).to_string());
    if !is_host(&request.headers) {
        request.headers.remove(header::HOST);
    }
    if !is_http(&request.headers) {
        request.headers.remove("x-forwarded-proto");
    }
}

/// Whether the library can make an address with this host.
fn is_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let host = host.to_str().unwrap_or_default();
    Authority::try_from(host).is_ok() && Url::parse(&format!("https://{host}")).is_ok()
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
    // An answer that streams; one that is whole is taken or not, and nobody has to watch that.
    if let Ok(connection) = GOES_OUT_ON.try_with(Clone::clone) {
        request.extensions_mut().insert(connection);
    }
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

#[cfg(test)]
mod tests {
    use lambda_http::lambda_runtime::Config;
    use lambda_http::tower::{Service, ServiceExt, service_fn};
    use lambda_http::{Adapter, Body};
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of an event as an HTTP API sends it, with these members in place of its own.
    async fn request(members: Value, headers: Value, context: Context) -> Request {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/events",
            "rawQueryString": "topic=a",
            "headers": { "host": "relay.example.com", "x-forwarded-proto": "https" },
            "requestContext": {
                "http": { "method": "GET", "path": "/events", "sourceIp": "203.0.113.7" },
                "stage": "$default",
            },
            "isBase64Encoded": false,
        });
        merge(&mut event, members);
        merge(&mut event["headers"], headers);
        let payload = serde_json::from_value(event).unwrap();
        let (sent, mut received) = tokio::sync::mpsc::channel(1);
        let service = service_fn(move |request: Request| {
            sent.try_send(known(request)).unwrap();
            async { Ok::<_, std::convert::Infallible>(http::Response::new(Body::Empty)) }
        });
        let mut adapter = Adapter::from(service);
        let event = mended(LambdaEvent::new(payload, context));
        adapter.ready().await.unwrap().call(event).await.unwrap();
        received.recv().await.unwrap()
    }

    fn merge(into: &mut Value, members: Value) {
        let Value::Object(members) = members else { unreachable!("they are an object") };
        for (name, value) in members {
            match into.get_mut(&name) {
                Some(own @ Value::Object(_)) if value.is_object() => merge(own, value),
                _ => into[name] = value,
            }
        }
    }

    fn due_in(left: i64) -> Context {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let deadline = (i64::try_from(now).unwrap() + left).to_string();
        let mut headers = HeaderMap::new();
        headers.insert("lambda-runtime-aws-request-id", "1".parse().unwrap());
        headers.insert("lambda-runtime-deadline-ms", deadline.parse().unwrap());
        Context::new("1", std::sync::Arc::new(Config::default()), &headers).unwrap()
    }

    #[tokio::test]
    async fn a_path_is_what_the_client_asked_for_whatever_the_stage_and_the_decoding_made_of_it() {
        for (path, stage, wanted) in [
            ("/webhooks/gmail", "$default", "/webhooks/gmail"),
            ("/dev/webhooks/gmail", "dev", "/webhooks/gmail"),
            ("/devices", "dev", "/devices"),
            ("/topics/a%2Fb/events", "$default", "/topics/a%2Fb/events"),
            ("/topics/a b/events", "$default", "/topics/a%20b/events"),
            ("/topics/a?b#c/events", "$default", "/topics/a%3Fb%23c/events"),
            ("/topics/ä/events", "$default", "/topics/%C3%A4/events"),
            ("", "$default", "/"),
        ] {
            let members = json!({ "rawPath": path, "requestContext": { "stage": stage } });
            let request = request(members, json!({}), Context::default()).await;
            assert_eq!(request.uri().path(), wanted, "{path}");
        }
    }

    #[tokio::test]
    async fn a_query_that_cannot_stand_in_a_uri_is_encoded() {
        for (query, wanted) in [
            ("topic=a&last_n=2", "topic=a&last_n=2"),
            ("topic=a%2Fb&x=%zz", "topic=a%2Fb&x=%zz"),
            ("topic=a b\"<ä>#", "topic=a%20b%22%3C%C3%A4%3E%23"),
        ] {
            let members = json!({ "rawQueryString": query });
            let request = request(members, json!({}), Context::default()).await;
            assert_eq!(request.uri().query(), Some(wanted));
        }
    }

    #[tokio::test]
    async fn headers_that_make_no_address_are_left_out() {
        for headers in [
            json!({ "host": "relay example.com" }),
            json!({ "host": "[::1" }),
            json!({ "host": "a/../b?c" }),
            json!({ "host": "" }),
            json!({ "host": "%zz" }),
            json!({ "host": "a:b" }),
            json!({ "host": "a:1:2" }),
            json!({ "host": "1.2.3.999" }),
            json!({ "host": "xn--a" }),
            json!({ "host": "a\"b" }),
            json!({ "host": "a{b" }),
            json!({ "host": "a#b" }),
            json!({ "x-forwarded-proto": "javascript" }),
            json!({ "x-forwarded-proto": "ht tp" }),
            json!({ "x-forwarded-proto": "" }),
        ] {
            let request = request(json!({}), headers.clone(), Context::default()).await;
            assert_eq!(request.uri().path(), "/events", "{headers}");
        }
    }

    #[tokio::test]
    async fn the_client_is_who_the_platform_saw_and_not_who_the_client_says_it_is() {
        let forwarded = json!({ "x-forwarded-for": "6.6.6.6" });
        for (source, wanted) in [
            (json!("203.0.113.7"), "203.0.113.7"),
            (json!("2001:db8::1"), "2001:db8::1"),
            (json!("nobody"), "0.0.0.0"),
            (Value::Null, "0.0.0.0"),
        ] {
            let members = json!({ "requestContext": { "http": { "sourceIp": source } } });
            let request = request(members, forwarded.clone(), Context::default()).await;
            let Peer(peer) = request.extensions().get().unwrap();
            assert_eq!(peer.ip().to_string(), wanted);
        }
    }

    #[tokio::test]
    async fn an_answer_ends_before_the_deadline_and_lasts_where_that_is_unknown() {
        let answer_by = async |context| {
            let request = request(json!({}), json!({}), context).await;
            request.extensions().get::<AnswerBy>().map(|AnswerBy(at)| *at - Instant::now())
        };
        let left = answer_by(due_in(60_000)).await.unwrap();
        assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(58), "{left:?}");
        assert_eq!(answer_by(due_in(1_500)).await, Some(Duration::ZERO));
        assert!(answer_by(due_in(-60_000)).await.is_none(), "an emulator that knows no deadline");
    }
}
