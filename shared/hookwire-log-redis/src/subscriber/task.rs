use std::sync::Arc;
use std::time::{Duration, Instant};

use hookwire_log::{BoxError, ReadError};
use hookwire_redis::redis::{PushInfo, PushKind, RedisError, Value};
use hookwire_telemetry::Stretch;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::line::Line;
use super::watched::Topics;
use super::{Command, Hearing};
use crate::Shared;
use crate::keys::TopicKeys;

/// How often the line is asked whether it is alive; with the time that an answer may take that bounds how long a dead
/// one is believed in.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How many pings there are between two looks at where the followed topics stand.
const PINGS_PER_LOOK: u32 = 5;
/// Pause before the second try to connect, and the longest; the first one is made at once.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Commands that are handled together.
const AT_ONCE: usize = 512;

/// The owner of the subscription.
pub(super) struct Task {
    shared: Arc<Shared>,
    topics: Topics,
    waiting: mpsc::UnboundedReceiver<Command>,
    told: watch::Sender<Hearing>,
    /// One that is cut over and over is told as rarely as one that is down.
    cuts: Stretch,
}

impl Task {
    pub(super) fn new(
        shared: Arc<Shared>,
        (commands, waiting): (mpsc::UnboundedSender<Command>, mpsc::UnboundedReceiver<Command>),
        told: watch::Sender<Hearing>,
    ) -> Self {
        Self { shared, topics: Topics::new(commands), waiting, told, cuts: Stretch::default() }
    }

    /// Keeps a line up for ever.
    pub(super) async fn run(mut self) {
        let mut pause = Duration::ZERO;
        let mut lost_at: Option<Instant> = None;
        // Whoever comes before the first try is over waits for it.
        let mut connected = Line::connect(Arc::clone(&self.shared.redis)).await;
        loop {
            let reason = match connected {
                Ok(line) => self.listen(line, &mut lost_at, &mut pause).await,
                Err(error) => error,
            };
            self.lost(&reason, &mut lost_at);
            // Spread, or all processes would come back in the same moment.
            let wait = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            self.meanwhile(tokio::time::sleep(wait)).await;
            pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            connected = self.meanwhile(Line::connect(Arc::clone(&self.shared.redis))).await;
        }
    }

    /// Waits for something that is no push, and turns those away who want to watch meanwhile: their streams say that
    /// delivery may be late, and ask again.
    async fn meanwhile<T>(&mut self, until: impl Future<Output = T>) -> T {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                biased;
                done = &mut until => return done,
                Some(command) = self.waiting.recv() => match command {
                    Command::Watch { done, .. } => {
                        let deaf = BoxError::from("the subscription is down");
                        drop(done.send(Err(ReadError(deaf))));
                    }
                    Command::Unwatch { channel, listener } => self.topics.unwatch(&channel, &listener),
                }
            }
        }
    }

    fn lost(&mut self, reason: &RedisError, lost_at: &mut Option<Instant>) {
        metrics::gauge!("hookwire_redis_subscribed").set(0);
        if lost_at.is_none() {
            let now = Instant::now();
            *lost_at = Some(now);
            // That Redis is away is told by the breaker, as one incident.
            if self.cuts.again(now).is_some() {
                tracing::warn!(error = %reason, topics = self.topics.len(), "the subscription to Redis is down; connecting again");
            }
        }
        self.told.send_replace(Hearing::Nothing(reason.to_string()));
        // What was sent before the line was cut has arrived; what is appended from now on is only in the log.
        self.topics.interrupt_all();
    }

    /// Serves a line until it is cut, and says by what.
    async fn listen(
        &mut self,
        mut line: Line,
        lost_at: &mut Option<Instant>,
        pause: &mut Duration,
    ) -> RedisError {
        if let Err(error) = self.begin(&mut line, lost_at).await {
            return error;
        }
        *pause = Duration::ZERO;
        let mut pings = tokio::time::interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut commands, mut count) = (Vec::new(), 0_u32);
        loop {
            let went_on = tokio::select! {
                Some(push) = line.pushes.recv() => self.take(push),
                _ = self.waiting.recv_many(&mut commands, AT_ONCE) => {
                    self.obey(&mut line, std::mem::take(&mut commands)).await
                }
                _ = pings.tick() => {
                    count = (count + 1) % PINGS_PER_LOOK;
                    self.check(&mut line, count == 0).await
                }
            };
            if let Err(error) = went_on {
                return error;
            }
        }
    }

    /// Subscribes to everything that is followed, which has it all read again.
    async fn begin(
        &mut self,
        line: &mut Line,
        lost_at: &mut Option<Instant>,
    ) -> Result<(), RedisError> {
        let asked = line.wire.clone().expect_master();
        self.listening(line, asked).await?;
        self.topics.forget_what_was_heard();
        self.subscribe(line).await?;
        if lost_at.take().is_some() {
            metrics::counter!("hookwire_redis_resubscriptions_total").increment(1);
            // Whoever cut the subscription cut the other connections too, most likely.
            self.shared.redis.renew();
            if let Some(over) = self.cuts.over_however_short(Instant::now()) {
                tracing::info!(
                    duration_ms = over.duration_ms(),
                    topics = self.topics.len(),
                    "the subscription to Redis is up again"
                );
            }
        }
        metrics::gauge!("hookwire_redis_subscribed").set(1);
        self.told.send_replace(Hearing::Something);
        self.shared.redis.answers();
        Ok(())
    }

    /// Subscribes to the topics that are not heard yet, and notes where they stand.
    async fn subscribe(&mut self, line: &mut Line) -> Result<(), RedisError> {
        let wanted = self.topics.unheard();
        let channels = wanted.iter().map(|(channel, _)| channel.clone()).collect();
        let asked = line.wire.clone().subscribe(channels);
        let subscribed = self.listening(line, asked).await?;
        let wanted: Vec<_> =
            wanted.into_iter().filter(|(channel, _)| subscribed.contains(channel)).collect();
        let states = wanted.iter().map(|(_, state)| state.clone()).collect();
        // After the subscription: what is appended from here on is heard, or missed by the next look.
        let asked = line.wire.clone().tails(states);
        let tails = self.listening(line, asked).await?;
        for ((channel, _), tail) in wanted.iter().zip(tails) {
            if let Some(tail) = tail {
                self.topics.heard(channel, tail);
            }
        }
        let unheard = self.topics.unheard().len();
        metrics::gauge!("hookwire_redis_subscribed_topics")
            .set((self.topics.len() - unheard) as f64);
        metrics::gauge!("hookwire_redis_unheard_topics").set(unheard as f64);
        Ok(())
    }

    /// Waits for an answer on the line while pushes go on being delivered.
    async fn listening<T>(
        &mut self,
        line: &mut Line,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, RedisError> {
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                Some(push) = line.pushes.recv() => self.take(push)?,
            }
        }
    }

    /// Delivers what was pushed.
    fn take(&mut self, push: PushInfo) -> Result<(), RedisError> {
        let mut data = push.data.into_iter();
        match (push.kind, data.next(), data.next()) {
            (
                PushKind::Message | PushKind::SMessage,
                Some(Value::BulkString(channel)),
                Some(Value::BulkString(payload)),
            ) => self.topics.publish(&channel, payload),
            (PushKind::Disconnection, ..) => return Err(cut("the connection was closed")),
            // Not asked for while the topic is followed: its slot has moved to another node.
            (
                PushKind::Unsubscribe | PushKind::SUnsubscribe,
                Some(Value::BulkString(channel)),
                _,
            ) if self.topics.contains(&channel) => {
                return Err(cut("a subscription was taken away"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Does what was asked for.
    async fn obey(&mut self, line: &mut Line, commands: Vec<Command>) -> Result<(), RedisError> {
        let mut asking = Vec::new();
        for command in commands {
            match command {
                Command::Unwatch { channel, listener } => self.topics.unwatch(&channel, &listener),
                Command::Watch { topic, listener, done } => {
                    let keys = TopicKeys::new(self.shared.redis.keys(), &topic);
                    let channel = self.topics.watch(topic, keys, Arc::clone(&listener));
                    asking.push((channel, listener, done));
                }
            }
        }
        let subscribed = match asking.is_empty() || self.topics.unheard().is_empty() {
            true => Ok(()),
            false => self.subscribe(line).await,
        };
        for (channel, listener, done) in asking {
            // Also when it could not be: it is dropped then, and takes the listener with it.
            let watch = self.topics.watch_of(&channel, listener);
            let answer = match &subscribed {
                Ok(()) if self.topics.is_heard(&channel) => Ok(watch),
                Ok(()) => Err(ReadError(BoxError::from("the topic cannot be subscribed to"))),
                Err(error) => Err(ReadError(BoxError::from(error.to_string()))),
            };
            // A caller that went away drops the watch.
            drop(done.send(answer));
        }
        subscribed
    }

    /// Asks whether the line is alive and, now and then, whether a publish was lost of which nothing else would tell.
    async fn check(&mut self, line: &mut Line, look: bool) -> Result<(), RedisError> {
        let asked = line.wire.clone().ping();
        self.listening(line, asked).await?;
        self.shared.redis.answers();
        self.shared.redis.tidy();
        self.topics.confirm_suspicions();
        let left = self.topics.left();
        if !left.is_empty() {
            let asked = line.wire.clone().unsubscribe(left);
            self.listening(line, asked).await?;
        }
        if !self.topics.unheard().is_empty() {
            self.subscribe(line).await?;
        }
        if look {
            self.shared.redis.ask_for_masters().await;
            let asked = line.wire.clone().expect_master();
            self.listening(line, asked).await?;
            let followed = self.topics.states();
            let states = followed.iter().map(|(_, state)| state.clone()).collect();
            let asked = line.wire.clone().tails(states);
            let tails = self.listening(line, asked).await?;
            for ((channel, _), tail) in followed.iter().zip(tails) {
                self.topics.compare(channel, tail);
            }
        }
        Ok(())
    }
}

pub(super) fn cut(what: &'static str) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::ConnectionReset, what).into()
}
