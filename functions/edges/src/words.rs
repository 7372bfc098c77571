/// What a kind of trouble is called, wherever the relay tells of it to people: the same words in `/readyz` and in a terminal.
///
/// They name no server and hold no error: everybody reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words {
    /// The incident, which is also the section of the runbook.
    pub incident: &'static str,
    /// What is wrong.
    pub reason: &'static str,
    /// What to do.
    pub todo: &'static str,
}

impl Words {
    /// Redis is away.
    pub const REDIS_UNREACHABLE: Self = Self {
        incident: "redis-unreachable",
        reason: "Redis does not answer",
        todo: "see that it runs and that this machine reaches it",
    };
    /// Redis is there and is of no use.
    pub const REDIS_REFUSES: Self = Self {
        incident: "redis-unreachable",
        reason: "Redis answers and takes nothing",
        todo: "see whether it is a replica, is full, or lacks a right for its user",
    };
    /// A breaker is open.
    pub const LEFT_ALONE: Self = Self {
        incident: "breaker-open",
        reason: "Redis did not answer and is left alone for a while",
        todo: "nothing: it is tried again by itself, at once when it answers",
    };
    /// The log on disk takes nothing until a restart.
    pub const LOG_BROKEN: Self = Self {
        incident: "log-broken",
        reason: "the log could not be written to its disk",
        todo: "free or mend the disk, then restart the relay",
    };
    /// Events wait in the queue.
    pub const LATE: Self = Self {
        incident: "queue-late",
        reason: "events may come late: the log did not answer, or the queue has some that it lacks",
        todo: "nothing while the queue gets shorter",
    };
    /// SQS is away, or does not let us.
    pub const QUEUE_UNREACHABLE: Self = Self {
        incident: "queue-unreachable",
        reason: "the queue does not take what is sent",
        todo: "see that this machine reaches SQS and may use the queue",
    };
    /// Something ended where only people look.
    pub const DEAD_LETTERS: Self = Self {
        incident: "dead-letters",
        reason: "events were given up",
        todo: "`hookwire redrive --list` says why, and `hookwire redrive` brings them back",
    };
    /// Keys of tokens cannot be fetched.
    pub const KEYS_UNAVAILABLE: Self = Self {
        incident: "keys-unavailable",
        reason: "published keys cannot be fetched: those of before serve for a day, and without any no token is taken",
        todo: "see that this machine reaches whoever publishes them",
    };
}

#[cfg(test)]
mod tests {
    use hookwire_telemetry::INCIDENTS;

    use super::*;

    #[test]
    fn every_word_is_an_incident_that_there_is() {
        for words in [
            Words::REDIS_UNREACHABLE,
            Words::REDIS_REFUSES,
            Words::LEFT_ALONE,
            Words::LOG_BROKEN,
            Words::LATE,
            Words::QUEUE_UNREACHABLE,
            Words::DEAD_LETTERS,
            Words::KEYS_UNAVAILABLE,
        ] {
            let known = INCIDENTS.iter().any(|incident| incident.id == words.incident);
            assert!(known, "{}", words.incident);
        }
    }
}
