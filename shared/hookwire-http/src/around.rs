use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::Problem;

/// What is done around a request, without waiting for anything: `axum::middleware::from_fn` puts each request and each answer
/// into a future in a box, and a request passes through several.
pub trait Around: fmt::Debug + Send + Sync + 'static {
    /// What the answer needs of the request.
    type Noted: fmt::Debug + Send;

    /// Looks at a request before it is worked on.
    ///
    /// # Errors
    ///
    /// A [`Problem`], which is the answer then, and [`answered`](Self::answered) is not asked.
    fn asked(&self, request: &Request) -> Result<Self::Noted, Problem>;

    /// Looks at its answer.
    fn answered(&self, noted: &Self::Noted, response: &Response) {
        let _unused = (noted, response);
    }
}

/// The layer of an [`Around`].
#[derive(Debug)]
pub struct AroundLayer<A>(Arc<A>);

impl<A: Around> AroundLayer<A> {
    /// Does this around every request.
    pub fn new(around: A) -> Self {
        Self(Arc::new(around))
    }
}

impl<A> Clone for AroundLayer<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, S> Layer<S> for AroundLayer<A> {
    type Service = AroundService<A, S>;

    fn layer(&self, inner: S) -> AroundService<A, S> {
        AroundService { around: Arc::clone(&self.0), inner }
    }
}

/// A service with an [`Around`].
#[derive(Debug)]
pub struct AroundService<A, S> {
    around: Arc<A>,
    inner: S,
}

impl<A, S: Clone> Clone for AroundService<A, S> {
    fn clone(&self) -> Self {
        Self { around: Arc::clone(&self.around), inner: self.inner.clone() }
    }
}

impl<A, S> Service<Request> for AroundService<A, S>
where
    A: Around,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AroundFuture<A, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let state = match self.around.asked(&request) {
            Ok(noted) => {
                let (around, answer) = (Arc::clone(&self.around), self.inner.call(request));
                State::Asked { answer, around, noted }
            }
            Err(problem) => State::Refused { problem: Some(problem) },
        };
        AroundFuture { state }
    }
}

pin_project! {
    /// The answer of an [`AroundService`].
    #[derive(Debug)]
    pub struct AroundFuture<A: Around, F> {
        #[pin]
        state: State<A, F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projected]
    enum State<A: Around, F> {
        Asked { #[pin] answer: F, around: Arc<A>, noted: A::Noted },
        Refused { problem: Option<Problem> },
    }
}

impl<A: Around, F> Future for AroundFuture<A, F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Asked { answer, around, noted } => {
                let answer = ready!(answer.poll(cx))?;
                around.answered(noted, &answer);
                Poll::Ready(Ok(answer))
            }
            Projected::Refused { problem } => match problem.take() {
                Some(problem) => Poll::Ready(Ok(problem.into_response())),
                // It was answered already.
                None => Poll::Pending,
            },
        }
    }
}
