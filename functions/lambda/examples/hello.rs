//! The least that a function can be: what `scripts/cold-start` measures the others against.

use std::convert::Infallible;

use lambda_http::{Error, Request, Response, service_fn};

async fn hello(_: Request) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".to_owned()))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(hello)).await
}
