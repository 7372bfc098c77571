use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use super::{Finding, Level};
use crate::probe::{Told, local};

const ABOUT: &str = "listen";

/// Whether the address is free, or who has it; a relay there says itself how it is.
pub(super) async fn listen(listen: SocketAddr) -> Vec<Finding> {
    let error = match TcpListener::bind(listen) {
        Ok(_free) => {
            return vec![Finding::ok(ABOUT, format!("{listen} is free: no relay runs there"))];
        }
        Err(error) => error,
    };
    if error.kind() != ErrorKind::AddrInUse {
        let todo =
            "give an address of this machine in `listen`, with a port that this user may open";
        return vec![Finding::bad(ABOUT, format!("cannot listen on {listen}: {error}"), todo)];
    }
    let relay = local(listen);
    let told = match relay {
        Ok(relay) => Told::by(&relay, "readyz").await,
        Err(error) => Err(error),
    };
    match told {
        Ok(told) if told.is_of_relay() => of_relay(listen, &told),
        Ok(_) | Err(_) => {
            let text =
                format!("{listen} is taken by a program that does not answer as a relay does");
            let todo =
                "stop it or wait for it (`ss -ltnp` says which it is), or set another `listen`";
            vec![Finding::bad(ABOUT, text, todo).of("no-healthy-instance")]
        }
    }
}

/// Whether somebody listens there.
pub(super) fn is_taken(listen: SocketAddr) -> bool {
    TcpListener::bind(listen).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

fn of_relay(listen: SocketAddr, told: &Told) -> Vec<Finding> {
    let is_ready = told.status.is_success();
    let ready = if is_ready { "ready" } else { "not ready" };
    let mut findings = vec![Finding::ok(
        ABOUT,
        format!("a relay listens on {listen} and says that it is {ready}"),
    )];
    let unready = told.texts("reasons");
    let details = told.health.get("details").and_then(Value::as_array);
    for detail in details.into_iter().flatten() {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let reason = text("reason");
        let level = if unready.contains(&reason) { Level::Bad } else { Level::Warn };
        let told = format!("the relay says: {reason}, since {}; {}", text("since"), text("do"));
        let finding = Finding::advice(level, ABOUT, &told);
        findings.push(match incident(text("incident")) {
            Some(incident) => finding.of(incident),
            None => finding,
        });
    }
    findings
}

/// The word as we know it: a relay of another version may know more.
fn incident(told: &str) -> Option<&'static str> {
    hookwire_telemetry::INCIDENTS.iter().map(|known| known.id).find(|id| *id == told)
}
