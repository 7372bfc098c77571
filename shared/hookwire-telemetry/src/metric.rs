/// One metric, as it stands in `/metrics`, in CloudWatch, in dashboards and in alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name in Prometheus, with its unit and, for a counter, `_total`.
    pub name: &'static str,
    /// How it changes.
    pub kind: Kind,
    /// What its values are.
    pub unit: Unit,
    /// Every label it may have.
    pub labels: &'static [Label],
    /// Whether functions write it as a metric of CloudWatch, where each costs money every month.
    pub cloudwatch: bool,
    /// What it means.
    pub help: &'static str,
}

/// How a metric changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size; the upper bounds are those of [`Unit`].
    Histogram,
}

/// What the values of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things that are counted; a histogram of them has bounds from 1 to 100,000.
    Count,
    /// Durations, and points of time since 1970; a histogram of them has bounds from a tenth of a millisecond to a minute.
    Seconds,
    /// Bytes.
    Bytes,
}

/// One label, and what bounds the number of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may say.
    pub values: Values,
}

/// What a label may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A name out of the settings: a source, a queue, a server.
    Configured,
    /// Some constant of the code; there are a few dozen at most.
    Coded,
    /// A tenant. Those beyond the hundredth are called `other`.
    Tenant,
}

impl Unit {
    /// Upper bounds of a histogram's buckets, in this unit.
    #[must_use]
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Self::Seconds => &[
                0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
            ],
            Self::Count | Self::Bytes => &[
                1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0,
            ],
        }
    }
}

const SOURCE: Label = Label { name: "source", values: Values::Configured };
const QUEUE: Label = Label { name: "queue", values: Values::Configured };
const SERVER: Label = Label { name: "server", values: Values::Configured };
const TENANT: Label = Label { name: "tenant", values: Values::Tenant };
const REASON: Label = coded("reason");
const OUTCOME: Label = coded("outcome");
const OF: Label = one_of("of", &["redis", "sqs"]);

const fn coded(name: &'static str) -> Label {
    Label { name, values: Values::Coded }
}

const fn one_of(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values: Values::OneOf(values) }
}

const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, unit: Unit::Count, labels, cloudwatch: false, help }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, labels, cloudwatch: false, help }
}

const fn histogram(
    name: &'static str,
    unit: Unit,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram, unit, labels, cloudwatch: false, help }
}

impl Metric {
    const fn in_cloudwatch(mut self) -> Self {
        self.cloudwatch = true;
        self
    }
}

/// Every metric of the relay.
pub const METRICS: &[Metric] = &[
    // Webhooks in.
    counter("hookwire_webhooks_total", &[SOURCE, OUTCOME], "Pushes, by what became of them.").in_cloudwatch(),
    histogram("hookwire_webhook_duration_seconds", Unit::Seconds, &[SOURCE], "From a push's headers to its answer.").in_cloudwatch(),
    gauge("hookwire_source_last_push_timestamp_seconds", Unit::Seconds, &[SOURCE], "When a source last pushed what verified; the start of the process before that."),
    counter("hookwire_published_total", &[OUTCOME, TENANT], "Events published by API, by what became of them.").in_cloudwatch(),
    counter("hookwire_http_responses_total", &[coded("route"), one_of("status", &["1xx", "2xx", "3xx", "4xx", "5xx"])], "Answers, by route and class of status.").in_cloudwatch(),
    counter("hookwire_refusals_total", &[REASON], "Requests refused for who sent them, by the type of the problem.").in_cloudwatch(),
    counter("hookwire_audit_suppressed_total", &[], "Refusals that were counted and not logged, since there were many."),
    counter("hookwire_limit_checks_total", &[coded("scope"), one_of("outcome", &["allowed", "refused"])], "Questions to limits."),
    counter("hookwire_limit_alone_total", &[coded("scope")], "Limits that this process decided alone, since what is shared was away."),
    counter("hookwire_jwks_fetches_total", &[OUTCOME], "Fetches of published keys.").in_cloudwatch(),
    // The log.
    histogram("hookwire_append_duration_seconds", Unit::Seconds, &[one_of("outcome", &["new", "duplicate", "failed"])], "How long the log took for an append.").in_cloudwatch(),
    counter("hookwire_log_damaged_entries_total", &[], "Entries that were skipped since they cannot be read."),
    gauge("hookwire_log_writable", Unit::Count, &[], "1 while the log on disk takes appends, 0 when it needs a restart."),
    // The queue.
    counter("hookwire_spilled_total", &[coded("log")], "Events that only the queue took, by what the log said.").in_cloudwatch(),
    counter("hookwire_unmirrored_total", &[], "Events that the log took and the queue did not.").in_cloudwatch(),
    gauge("hookwire_mirror_arrears", Unit::Count, &[], "Events that wait to be mirrored."),
    counter("hookwire_drained_total", &[OUTCOME], "Messages out of the queue, by what became of them.").in_cloudwatch(),
    gauge("hookwire_late", Unit::Count, &[], "1 while events may come late, since the log did not answer or the queue has some that it lacks."),
    gauge("hookwire_queue_oldest_seconds", Unit::Seconds, &[QUEUE], "At most so long ago was the oldest event accepted that only the queue has; 0 when there is none.").in_cloudwatch(),
    gauge("hookwire_queue_depth", Unit::Count, &[QUEUE, one_of("role", &["main", "dead"]), one_of("state", &["waiting", "in_flight", "delayed"])], "Messages in a queue and in its dead-letter queue, as they say themselves, every half minute."),
    counter("hookwire_queue_messages_total", &[QUEUE, coded("do")], "Messages sent, received, deleted and postponed."),
    counter("hookwire_queue_faults_total", &[QUEUE, coded("do"), coded("fault")], "Failed calls to SQS.").in_cloudwatch(),
    gauge("hookwire_queue_sends_waiting", Unit::Count, &[QUEUE], "Messages that wait for their turn to be sent."),
    // Servers beside the relay.
    gauge("hookwire_breaker_state", Unit::Count, &[OF, SERVER], "0 calls are made, 1 one call probes, 2 none are made."),
    counter("hookwire_breaker_transitions_total", &[OF, SERVER, one_of("to", &["open", "half_open", "closed"])], "Changes of a breaker's state.").in_cloudwatch(),
    counter("hookwire_breaker_rejected_total", &[OF], "Calls that a breaker did not let through."),
    gauge("hookwire_redis_connections", Unit::Count, &[coded("pool"), one_of("state", &["idle", "busy"])], "Connections to Redis."),
    counter("hookwire_redis_connections_opened_total", &[], "Connections to Redis that were opened."),
    counter("hookwire_redis_faults_total", &[coded("fault")], "Failed calls to Redis.").in_cloudwatch(),
    gauge("hookwire_redis_subscribed", Unit::Count, &[], "1 while the subscription to Redis stands.").in_cloudwatch(),
    gauge("hookwire_redis_subscribed_topics", Unit::Count, &[], "Topics that the subscription hears."),
    gauge("hookwire_redis_unheard_topics", Unit::Count, &[], "Followed topics that the subscription does not hear yet."),
    counter("hookwire_redis_resubscriptions_total", &[], "Times that the subscription was made anew."),
    counter("hookwire_redis_lost_publishes_total", &[], "Publishes that never came; their events were read from the log."),
    counter("hookwire_redis_unreadable_publishes_total", &[], "Publishes that could not be read; their events were read from the log."),
    // Streams out.
    gauge("hookwire_streams_open", Unit::Count, &[TENANT], "Open streams.").in_cloudwatch(),
    counter("hookwire_streams_opened_total", &[TENANT], "Streams that were opened.").in_cloudwatch(),
    counter("hookwire_streams_closed_total", &[REASON], "Streams that ended, by why; an eviction is `evicted`, a client that left is `gone`.").in_cloudwatch(),
    counter("hookwire_events_delivered_total", &[TENANT], "Events handed to streams.").in_cloudwatch(),
    histogram("hookwire_delivery_latency_seconds", Unit::Seconds, &[], "From an event's acceptance to its write into a stream's socket; of live events, some of the streams.").in_cloudwatch(),
    gauge("hookwire_slowest_lag_events", Unit::Count, &[], "How far the stream that is furthest behind is from its topic's head, as of the last few seconds.").in_cloudwatch(),
    counter("hookwire_gaps_total", &[REASON], "Gaps that streams were told of.").in_cloudwatch(),
    counter("hookwire_ring_reads_total", &[one_of("outcome", &["hit", "miss"])], "Questions of sessions for what follows, answered by the ring or by the log."),
    histogram("hookwire_backfill_events", Unit::Count, &[], "Events that a session read from the log at once."),
    histogram("hookwire_backfill_duration_seconds", Unit::Seconds, &[], "How long a session waited for the log."),
    // Connections.
    gauge("hookwire_connections_open", Unit::Count, &[], "Open connections."),
    gauge("hookwire_connections_max", Unit::Count, &[], "Connections that may be open at once."),
    counter("hookwire_connections_accepted_total", &[], "Connections that were taken."),
    counter("hookwire_connections_refused_total", &[REASON], "Connections that were turned away."),
    counter("hookwire_connections_closed_total", &[REASON], "Connections that the relay closed by itself."),
    // The process.
    gauge("hookwire_build_info", Unit::Count, &[coded("version")], "Always 1; its label says what runs."),
    gauge("hookwire_ready", Unit::Count, &[], "Whether `/readyz` would say that it can serve."),
    counter("hookwire_log_lines_total", &[one_of("level", &["error", "warn", "info"])], "Lines logged."),
    counter("hookwire_panics_total", &[], "Panics; the request that met one was given up.").in_cloudwatch(),
    counter("hookwire_sentry_events_total", &[one_of("outcome", &["sent", "capped"])], "What was told to Sentry, and what a cap held back."),
    counter("hookwire_metrics_overflow_total", &[], "Values that were given up since a metric would have had too many labels."),
];

/// What every client of Prometheus tells of its process, under the names that all of them have for it.
///
/// Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>
pub const PROCESS_METRICS: &[Metric] = &[
    Metric {
        unit: Unit::Seconds,
        ..counter("process_cpu_seconds_total", &[], "Processor time that the process has taken.")
    },
    gauge(
        "process_resident_memory_bytes",
        Unit::Bytes,
        &[],
        "Memory of the process that is in the machine's.",
    ),
    gauge("process_virtual_memory_bytes", Unit::Bytes, &[], "Addresses of the process."),
    gauge(
        "process_start_time_seconds",
        Unit::Seconds,
        &[],
        "When the process was started, since 1970.",
    ),
    gauge("process_open_fds", Unit::Count, &[], "Open descriptors of the process."),
    gauge("process_max_fds", Unit::Count, &[], "Descriptors that the process may have open."),
    gauge("process_threads", Unit::Count, &[], "Threads of the process."),
];
