/// A kind of trouble: one issue in Sentry, one alarm, one section of the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// The word for it: field of log lines, fingerprint in Sentry, anchor in the runbook, label of the alert.
    pub id: &'static str,
    /// What is broken, in a few words.
    pub title: &'static str,
    /// Whether somebody has to be woken.
    pub urgency: Urgency,
    /// The alert in Prometheus.
    pub alert: &'static str,
    /// The alarm in CloudWatch, by its name in `infra/alarms.yaml`; `None` where nothing there can see it.
    pub alarm: Option<&'static str>,
    /// Whether a line of the log tells of it, with the field `incident`, and so Sentry; what only a comparison of metrics can
    /// show is told by alerts and alarms alone.
    pub is_logged: bool,
}

impl Incident {
    const fn logged(mut self) -> Self {
        self.is_logged = true;
        self
    }
}

/// How soon somebody has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Now, at any hour.
    Page,
    /// In working hours.
    Ticket,
}

/// Every kind of trouble that somebody is told of.
pub const INCIDENTS: &[Incident] = &[
    page(
        "no-healthy-instance",
        "No relay answers",
        "HookwireNoHealthyInstance",
        Some("ReceiveErrors"),
    ),
    page(
        "redis-unreachable",
        "Redis does not answer",
        "HookwireRedisUnreachable",
        Some("RedisUnreachable"),
    )
    .logged(),
    page(
        "queue-unreachable",
        "SQS cannot be used",
        "HookwireQueueUnreachable",
        Some("QueueUnreachable"),
    )
    .logged(),
    ticket(
        "breaker-open",
        "A server is left alone for long",
        "HookwireBreakerOpen",
        Some("BreakerOpen"),
    ),
    ticket("queue-late", "Events wait in the queue", "HookwireQueueLate", Some("QueueLate"))
        .logged(),
    page(
        "queue-very-late",
        "Events have waited in the queue for long",
        "HookwireQueueVeryLate",
        Some("QueueVeryLate"),
    ),
    page(
        "dead-letters",
        "Events can never get into the log",
        "HookwireDeadLetters",
        Some("DeadLetters"),
    )
    .logged(),
    ticket(
        "webhooks-slow",
        "Pushes are answered slowly",
        "HookwireWebhooksSlow",
        Some("ReceiveSlow"),
    ),
    page("server-errors", "Requests are answered 5xx", "HookwireServerErrors", Some("Refused")),
    ticket(
        "verification-failures",
        "Pushes do not verify",
        "HookwireVerificationFailures",
        Some("VerificationFailures"),
    ),
    ticket(
        "duplicates-jump",
        "Sources push the same again and again",
        "HookwireDuplicatesJump",
        Some("DuplicatesJump"),
    ),
    ticket("gaps", "Streams are told of gaps", "HookwireGaps", Some("Gaps")),
    ticket(
        "streams-near-cap",
        "There is little room for more streams",
        "HookwireStreamsNearCap",
        Some("StreamsNearCap"),
    ),
    ticket(
        "keys-unavailable",
        "Published keys cannot be fetched",
        "HookwireKeysUnavailable",
        Some("KeysUnavailable"),
    )
    .logged(),
    ticket(
        "source-silent",
        "A source has not pushed for long",
        "HookwireSourceSilent",
        Some("SourceSilent"),
    ),
    page("log-broken", "The log on disk is broken", "HookwireLogBroken", None).logged(),
    ticket(
        "quarantine-fills",
        "Notifications cannot be read",
        "HookwireQuarantineFills",
        Some("QuarantineFills"),
    )
    .logged(),
    ticket("panic", "The program has a bug", "HookwirePanics", Some("Panics")).logged(),
];

const fn page(
    id: &'static str,
    title: &'static str,
    alert: &'static str,
    alarm: Option<&'static str>,
) -> Incident {
    Incident { id, title, urgency: Urgency::Page, alert, alarm, is_logged: false }
}

const fn ticket(
    id: &'static str,
    title: &'static str,
    alert: &'static str,
    alarm: Option<&'static str>,
) -> Incident {
    Incident { id, title, urgency: Urgency::Ticket, alert, alarm, is_logged: false }
}
