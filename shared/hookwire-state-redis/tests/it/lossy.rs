//! Calls that are carried out, and whose answers are lost.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookwire_redis_server::Server;
use hookwire_state::{InstanceId, Limiter, Opened, Over, Quota, StreamId, Streams, Tickets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::state;

/// A way to a server that loses one answer to a script, each time that it is told to.
struct LossyWay {
    port: u16,
    loses: Arc<AtomicBool>,
}

impl LossyWay {
    async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), server.address());
        let loses = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&loses);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&to).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&asked)));
            }
        });
        Self { port, loses }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn lose_one(&self) {
        self.loses.store(true, Ordering::Relaxed);
    }

    fn has_lost_one(&self) -> bool {
        !self.loses.load(Ordering::Relaxed)
    }
}

/// Passes on what both sides say until an answer is to be lost, which cuts the connection.
async fn pass_on(mut client: TcpStream, mut server: TcpStream, loses: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (Vec::with_capacity(4_096), Vec::with_capacity(4_096));
    let mut is_script = false;
    loop {
        asked.clear();
        answered.clear();
        let passed_on = tokio::select! {
            Ok(1..) = client.read_buf(&mut asked) => {
                is_script |= asked.windows(4).any(|word| word == b"EVAL");
                server.write_all(&asked).await
            }
            Ok(1..) = server.read_buf(&mut answered) => {
                // That a script is not known there is an answer to nothing yet.
                let is_done = std::mem::take(&mut is_script) && !answered.starts_with(b"-NOSCRIPT");
                if is_done && loses.swap(false, Ordering::Relaxed) {
                    return;
                }
                client.write_all(&answered).await
            }
            else => return,
        };
        if passed_on.is_err() {
            return;
        }
    }
}

const LEASE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_ticket_is_spent_by_the_call_that_lost_its_answer_and_by_no_other() {
    let server = Server::start().await;
    let way = LossyWay::to(&server).await;
    let state = state(&way.url());
    way.lose_one();
    assert!(state.spend("ticket", LEASE).await.unwrap());
    assert!(way.has_lost_one());
    assert!(!state.spend("ticket", LEASE).await.unwrap());
}

#[tokio::test]
async fn a_stream_whose_answer_was_lost_has_one_place_and_not_two() {
    let server = Server::start().await;
    let way = LossyWay::to(&server).await;
    let state = state(&way.url());
    let here = InstanceId::random();
    for (n, over) in [(0, Over::RefuseNewest), (1, Over::EvictOldest)] {
        way.lose_one();
        let opened = state.open("alice", StreamId { instance: here, n }, 2, over, LEASE).await;
        assert!(way.has_lost_one());
        let Ok(Opened::Admitted { evicted, .. }) = opened else { panic!("{opened:?}") };
        assert_eq!(evicted, []);
    }
    let third = StreamId { instance: here, n: 2 };
    let full = state.open("alice", third, 2, Over::RefuseNewest, LEASE).await.unwrap();
    assert!(matches!(full, Opened::Full { .. }), "{full:?}");
}

/// It may be counted twice, and never lets more through than it should.
#[tokio::test]
async fn a_try_whose_answer_was_lost_is_answered() {
    let server = Server::start().await;
    let way = LossyWay::to(&server).await;
    let state = state(&way.url());
    let quota = Quota { per_minute: NonZeroU32::MIN, burst: NonZeroU32::new(3).unwrap() };
    way.lose_one();
    let verdict = state.take("connects", "alice", quota).await.unwrap();
    assert!(way.has_lost_one() && verdict.is_allowed() && verdict.remaining == 1, "{verdict:?}");
}
