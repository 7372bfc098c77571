use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

/// What Lambda calls the function's URL.
const HOST: &str = "id.lambda-url.eu-west-1.on.aws";

/// A request as a function gets it from an HTTP API or a function URL: payload 2.0.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
#[derive(Debug, Clone)]
pub struct HttpEvent {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
    base64: Option<bool>,
    source_ip: IpAddr,
    stage: String,
}

impl HttpEvent {
    /// A request for this path, with a query if it has one.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(HOST));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        headers.insert("x-forwarded-port", HeaderValue::from_static("443"));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
            base64: None,
            source_ip: Ipv4Addr::LOCALHOST.into(),
            stage: "$default".to_owned(),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST.
    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// Has this header, in place of what it had.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// Has all of these headers, in place of what it had by the same names.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Brings this token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Brings this JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Brings this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Has the body in base64 whatever it is.
    #[must_use]
    pub fn in_base64(mut self) -> Self {
        self.base64 = Some(true);
        self
    }

    /// Comes from this address.
    #[must_use]
    pub fn from(mut self, address: impl Into<IpAddr>) -> Self {
        self.source_ip = address.into();
        self
    }

    /// Comes by this stage, whose name an HTTP API puts before the path.
    #[must_use]
    pub fn stage(mut self, stage: &str) -> Self {
        stage.clone_into(&mut self.stage);
        self
    }

    fn is_text(&self) -> bool {
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let is_text = kind.starts_with("text/")
            || ["json", "xml", "javascript"].iter().any(|word| kind.contains(word));
        is_text && std::str::from_utf8(&self.body).is_ok()
    }

    /// The headers with one value each, which is how payload 2.0 has them, and the cookies.
    fn joined(&self) -> (Map<String, Value>, Vec<String>) {
        let mut headers = Map::new();
        for name in self.headers.keys().filter(|name| *name != "cookie") {
            let values = self.headers.get_all(name).iter();
            let values: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            headers.insert(name.to_string(), values.join(",").into());
        }
        let cookies = self.headers.get_all("cookie").iter();
        let cookies = cookies.flat_map(|cookie| cookie.to_str().unwrap_or_default().split("; "));
        (headers, cookies.map(str::to_owned).collect())
    }
}

impl From<HttpEvent> for Value {
    fn from(event: HttpEvent) -> Self {
        let (headers, cookies) = event.joined();
        let prefix =
            if event.stage == "$default" { String::new() } else { format!("/{}", event.stage) };
        let raw_path = format!("{prefix}{}", event.path);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut value = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": raw_path,
            "rawQueryString": event.query,
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "id",
                "domainName": HOST,
                "domainPrefix": "id",
                "http": {
                    "method": event.method,
                    "path": raw_path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": event.source_ip.to_string(),
                    "userAgent": headers.get("user-agent"),
                },
                "requestId": "00000000-0000-4000-8000-000000000000",
                "routeKey": "$default",
                "stage": event.stage,
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": u64::try_from(now.as_millis()).unwrap(),
            },
            "isBase64Encoded": false,
        });
        if !cookies.is_empty() {
            value["cookies"] = cookies.into();
        }
        if !event.query.is_empty() {
            value["queryStringParameters"] = parameters(&event.query);
        }
        if !event.body.is_empty() {
            let base64 = event.base64.unwrap_or(!event.is_text());
            value["isBase64Encoded"] = base64.into();
            value["body"] = match base64 {
                true => STANDARD.encode(&event.body).into(),
                false => String::from_utf8(event.body).unwrap().into(),
            };
        }
        value
    }
}

/// Each parameter once, with its values joined by commas, of which nothing may rely on.
fn parameters(query: &str) -> Value {
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let before = parameters.get(name).and_then(Value::as_str);
        let joined = before.map_or_else(|| value.to_owned(), |before| format!("{before},{value}"));
        parameters.insert(name.to_owned(), joined.into());
    }
    parameters.into()
}
