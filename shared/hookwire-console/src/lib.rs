//! The live console: one static page inside the binary.
//!
//! It speaks the relay's public HTTP API from the browser and has no other way in, so it needs
//! nothing from the process that serves it.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderName;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// What the page may do: load and call its own origin, and nothing else.
///
/// An event's payload is untrusted. Were a mistake in the page ever to let one become markup, it
/// could neither run as script nor send anything away.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One file of the page.
#[derive(Debug, Clone, Copy)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
}

/// Embeds `page/$name` as `/console/$name`.
macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            path: concat!("/console/", $name),
            content_type: $content_type,
            body: include_str!(concat!("page/", $name)),
        }
    };
}

/// Every file of the page.
const ASSETS: &[Asset] = &[
    Asset { path: "/", content_type: HTML, body: include_str!("page/index.html") },
    asset!("style.css", CSS),
    asset!("icon.svg", SVG),
    asset!("address.js", JAVASCRIPT),
    asset!("api.js", JAVASCRIPT),
    asset!("app.js", JAVASCRIPT),
    asset!("chips.js", JAVASCRIPT),
    asset!("dom.js", JAVASCRIPT),
    asset!("json.js", JAVASCRIPT),
    asset!("keyboard.js", JAVASCRIPT),
    asset!("list.js", JAVASCRIPT),
    asset!("rate.js", JAVASCRIPT),
    asset!("send.js", JAVASCRIPT),
    asset!("start.js", JAVASCRIPT),
    asset!("stream.js", JAVASCRIPT),
    asset!("text.js", JAVASCRIPT),
    asset!("theme.js", JAVASCRIPT),
    asset!("token.js", JAVASCRIPT),
];

/// Serves the console at `/`, and its files under `/console/`.
pub fn router() -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(move || async move { asset.into_response() }))
    })
}

impl IntoResponse for &'static Asset {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, &'static str); 5] = [
            (CONTENT_TYPE, self.content_type),
            // The files carry no version in their names: a new relay must not meet an old script.
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // The address holds topic names, which may be mail addresses.
            (REFERRER_POLICY, "no-referrer"),
        ];
        (headers, self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn fetch(path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router().oneshot(request).await.unwrap()
    }

    /// What follows each `marker` in `text`, up to the next double quote.
    fn quoted_after<'t>(text: &'t str, marker: &str) -> Vec<&'t str> {
        let rest = text.split(marker).skip(1);
        rest.filter_map(|part| part.split('"').next()).collect()
    }

    fn is_served(path: &str) -> bool {
        ASSETS.iter().any(|asset| asset.path == path)
    }

    #[tokio::test]
    async fn every_file_is_served_whole_with_its_type_and_the_security_headers() {
        for asset in ASSETS {
            let response = fetch(asset.path).await;
            assert_eq!(response.status(), StatusCode::OK, "{}", asset.path);
            let headers = response.headers().clone();
            assert_eq!(headers[CONTENT_TYPE], asset.content_type, "{}", asset.path);
            assert_eq!(headers[CACHE_CONTROL], "no-cache");
            assert_eq!(headers[CONTENT_SECURITY_POLICY], CONTENT_POLICY);
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(body, asset.body, "{}", asset.path);
        }
    }

    #[tokio::test]
    async fn the_page_its_style_and_its_script_have_the_types_a_browser_demands() {
        for (path, content_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/console/style.css", "text/css; charset=utf-8"),
            ("/console/app.js", "text/javascript; charset=utf-8"),
            ("/console/icon.svg", "image/svg+xml"),
        ] {
            assert_eq!(fetch(path).await.headers()[CONTENT_TYPE], content_type);
        }
    }

    #[tokio::test]
    async fn a_path_that_is_no_file_of_the_page_is_not_found() {
        let response = fetch("/console/index.html").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_content_policy_is_one_line_without_unsafe_sources() {
        assert!(!CONTENT_POLICY.contains("unsafe"));
        assert!(!CONTENT_POLICY.contains("  "));
        assert!(CONTENT_POLICY.starts_with("default-src 'none';"));
    }

    #[test]
    fn the_page_references_only_what_is_served_here() {
        for asset in ASSETS {
            for marker in ["src=\"", "href=\""] {
                for target in quoted_after(asset.body, marker) {
                    let known = target.starts_with('#') || is_served(target);
                    assert!(known, "{} refers to {target}", asset.path);
                }
            }
            for module in quoted_after(asset.body, " from \"./") {
                let known = is_served(&format!("/console/{module}"));
                assert!(known, "{} imports {module}", asset.path);
            }
        }
    }

    #[test]
    fn the_page_names_no_other_origin() {
        // The SVG namespace is an identifier that nothing loads.
        for asset in ASSETS {
            let text = asset.body.replace("http://www.w3.org/2000/svg", "");
            for scheme in ["http://", "https://", "ws://", "wss://", "\"//", "@import"] {
                assert!(!text.contains(scheme), "{} has {scheme}", asset.path);
            }
        }
    }

    #[test]
    fn the_page_has_nothing_inline_and_no_markup_from_data() {
        for asset in ASSETS {
            for banned in [
                "<style",
                " style=\"",
                " onclick=",
                "<script>",
                "javascript:",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
            ] {
                assert!(!asset.body.contains(banned), "{} has {banned}", asset.path);
            }
        }
    }
}
