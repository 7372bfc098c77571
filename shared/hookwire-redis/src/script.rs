use deadpool_redis::redis::{self, Cmd, RedisError, ServerErrorKind, Value};

use crate::Connection;

/// A Lua script: loaded into the server by its first use there, then called by its digest.
#[derive(Debug)]
pub struct Script {
    script: redis::Script,
    source: &'static str,
}

impl Script {
    /// A script with this source.
    #[must_use]
    pub fn new(source: &'static str) -> Self {
        Self { script: redis::Script::new(source), source }
    }

    /// Runs the script on a connection. `keys` are its keys and `arguments` the rest.
    pub(crate) async fn run(
        &self,
        connection: &mut Connection,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, RedisError> {
        let known = call("EVALSHA", self.script.get_hash(), keys, arguments);
        match known.query_async(connection).await {
            // A server that was started anew, or whose scripts were flushed. EVAL keeps it and reaches the one server
            // that has the keys, which SCRIPT LOAD would not in a cluster.
            Err(error) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) => {
                call("EVAL", self.source, keys, arguments).query_async(connection).await
            }
            answer => answer,
        }
    }
}

fn call(command: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let mut cmd = redis::cmd(command);
    cmd.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    cmd
}
