//! Tickets and cookies through payload 2.0, which has both apart from the headers.

use hookwire_tests::{HttpEvent, Invocation, Stream, token};
use serde_json::json;

use super::{body, deployed};

#[tokio::test]
async fn a_ticket_opens_one_stream_and_its_cookie_the_next_ones() {
    let (_redis, functions) = deployed(|options| options).await;
    let alice = token("alice", &json!({ "subscribe": ["a", "b"] }));
    let asked = HttpEvent::post("/tickets").bearer(&alice).json(&json!({ "topics": ["a"] }));
    let answer = functions.receive.call(asked).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let ticket = body(&answer)["ticket"].as_str().unwrap().to_owned();
    let open = async |event: HttpEvent| {
        let reply = functions.stream.invoke(Invocation::of(event)).await.unwrap().streamed();
        (reply.prelude["statusCode"].as_u64().unwrap(), reply)
    };
    let path = format!("/events?topic=a&ticket={ticket}");
    let (status, stream) = open(HttpEvent::get(&path)).await;
    assert_eq!(status, 200);
    let set = stream.prelude["cookies"][0].as_str().expect("a cookie comes with it").to_owned();
    for word in ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age="] {
        assert!(set.contains(word), "{set}");
    }
    let mut stream: Stream = stream.into_stream();
    let cursor = stream.primed().await;
    functions.publish("a", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);

    let cookie = set.split(';').next().unwrap();
    assert_eq!(open(HttpEvent::get(&path)).await.0, 401, "it is spent");
    let back = HttpEvent::get(&path).header("last-event-id", &cursor);
    // Beside others, as a browser sends them.
    let back = back.header("cookie", format!("theme=dark; {cookie}; lang=de"));
    let (status, stream) = open(back).await;
    assert_eq!(status, 200);
    assert_eq!(*stream.into_stream().event().await.payload(), 1);
    let other = HttpEvent::get("/events?topic=b").header("cookie", cookie);
    assert_eq!(open(other).await.0, 403, "it is for the topics of the ticket");
    let publish = HttpEvent::post("/topics/a/events").header("cookie", cookie).json(&json!(1));
    let publish = publish.header("origin", "https://id.lambda-url.eu-west-1.on.aws");
    assert_eq!(functions.receive.call(publish).await.unwrap()["statusCode"], 403);
}

#[tokio::test]
async fn pages_of_listed_origins_may_read_and_others_may_not() {
    let listed = "https://app.example.com";
    let (_redis, functions) = deployed(|options| options.set("CORS_ORIGINS", listed)).await;
    for (origin, allowed) in [(listed, true), ("https://evil.example", false)] {
        let event = super::follow("topic=a").header("origin", origin);
        let stream = functions.stream.invoke(Invocation::of(event)).await.unwrap().streamed();
        let headers = &stream.prelude["headers"];
        assert_eq!(headers["access-control-allow-origin"] == origin, allowed, "{headers}");
        let event = HttpEvent::get("/topics/a/events").bearer(&super::anything());
        let answer = functions.receive.call(event.header("origin", origin)).await.unwrap();
        let headers = &answer["headers"];
        assert_eq!(headers["access-control-allow-origin"] == origin, allowed, "{headers}");
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_is_told_beforehand_that_it_may_publish() {
    let listed = "https://app.example.com";
    let (_redis, functions) = deployed(|options| options.set("CORS_ORIGINS", listed)).await;
    let preflight = HttpEvent::new("OPTIONS", "/topics/a/events")
        .header("origin", listed)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = functions.receive.call(preflight).await.unwrap();
    assert_eq!(answer["headers"]["access-control-allow-origin"], listed, "{answer}");
    assert_eq!(answer["headers"]["access-control-allow-credentials"], "true", "{answer}");
}
