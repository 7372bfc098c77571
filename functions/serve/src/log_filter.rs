use std::io::Write;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::routing::get;
use axum::{Json, Router};
use hookwire_boot::FromSetting;
use hookwire_boot::telemetry::LogFilter;
use hookwire_http::{Problem, read_body};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::Log;
use crate::publish::{detail, resource};

/// Longest while: a filter that is to stay belongs into `RUST_LOG`, or it is gone with a restart.
const LONGEST: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lasts {
    #[serde(rename = "for")]
    lasts: Option<String>,
}

/// `GET` and `PUT /admin/log`: which lines are logged, told and changed while the relay runs.
pub(crate) fn routes(filter: LogFilter) -> Router {
    Router::new().route("/admin/log", get(tell).put(change)).with_state(filter)
}

async fn tell(State(filter): State<LogFilter>) -> Json<Value> {
    Json(json!({ "filter": filter.to_string() }))
}

async fn change(
    State(filter): State<LogFilter>,
    lasts: Result<Query<Lasts>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let lasts = lasts.map_err(|rejected| bad(&rejected.body_text()))?.0.lasts;
    let (request, body) = request.into_parts();
    let wanted = read_body(&request.headers, body, 16 * 1024, Duration::from_secs(10)).await?;
    let wanted = std::str::from_utf8(&wanted).map_err(|_not_utf8| bad("a filter is a text"))?;
    let lasts = lasts.map(|text| lasts_for(&text)).transpose()?;
    let changed = filter.set(wanted.trim(), lasts);
    changed.map_err(|invalid| bad(&invalid.to_string()))?;
    Ok(tell(State(filter)).await)
}

fn lasts_for(text: &str) -> Result<Duration, Problem> {
    let lasts = Duration::from_text(text).ok().filter(|lasts| *lasts <= LONGEST);
    lasts.ok_or_else(|| bad("`for` expects a time of at most a day, such as `10m`"))
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-log-filter", detail)
}

/// `hookwire log`: tells which lines a relay logs, or has it log others.
pub(crate) async fn log(log: Log) -> anyhow::Result<()> {
    let mut url = resource(&log.relay.url, &["admin", "log"])?;
    if let Some(lasts) = log.lasts {
        url.query_pairs_mut().append_pair("for", &lasts);
    }
    let client = log.relay.client()?.build()?;
    let request = match log.filter {
        Some(filter) => client.put(url).body(filter),
        None => client.get(url),
    };
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.text().await?;
    anyhow::ensure!(status.is_success(), "the relay refused with {status}: {}", detail(&body));
    let told: Value = serde_json::from_str(&body)?;
    let filter = told.get("filter").and_then(Value::as_str).unwrap_or_default();
    writeln!(std::io::stdout(), "{filter}")?;
    Ok(())
}
