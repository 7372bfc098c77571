use axum::Router;
use axum::extract::Query;
use axum::response::Html;
use axum::routing::{get, post};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A web site at an origin of its own. Its backend has a token for whoever is logged in, and gets tickets for its pages.
pub struct Site {
    pub origin: String,
}

impl Site {
    /// Serves pages at a free port, under this name of the machine.
    pub async fn start(host: &str, token: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{host}:{}", listener.local_addr().unwrap().port());
        let of = origin.clone();
        let ticket = async move |Query(asked): Query<Value>| {
            let url = format!("{}/tickets", asked["relay"].as_str().unwrap());
            let client = Client::builder().no_proxy().build().unwrap();
            let wanted = client.post(url).bearer_auth(&token).json(&json!({ "origin": of }));
            wanted.send().await.unwrap().text().await.unwrap()
        };
        let page = |html: &'static str| get(async move || Html(html));
        let router = Router::new()
            .route("/", page(include_str!("../../clients/follow.html")))
            .route("/foreign", page(include_str!("../../clients/foreign.html")))
            .route("/ticket", post(ticket));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin }
    }

    /// The page that follows at this relay.
    pub fn follows(&self, relay: &str) -> String {
        format!("{}/?relay={relay}", self.origin)
    }

    /// The page that tries at this relay what its visitor may do there.
    pub fn tries(&self, relay: &str) -> String {
        format!("{}/foreign?relay={relay}", self.origin)
    }
}
