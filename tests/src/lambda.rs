//! Lambda, as far as a function can tell: the Runtime API, environments that are frozen and thawed, and what calls them.

mod deployment;
mod environment;
mod event;
mod function;
mod gateway;
mod invocation;
mod mapping;
mod reply;
mod response;
mod rules;
mod runtime;

pub use deployment::{Deployment, DeploymentOptions};
pub use environment::Environment;
pub use event::HttpEvent;
pub use function::{Freezing, Function, FunctionOptions};
pub use gateway::{Gateway, GatewayOptions};
pub use invocation::Invocation;
pub use mapping::EventSourceMapping;
pub use reply::{Chunk, Cut, Reply, Streamed};
