use hookwire_boot::Key;

const fn key(
    name: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    about: &'static str,
) -> Key {
    Key { name, default, secret: false, example, about }
}

/// Every setting. The table in the README is made of this.
pub const KEYS: [Key; 82] = [
    key(
        "listen",
        Some("127.0.0.1:8080"),
        "127.0.0.1:9000",
        "Address to listen on; only loopback unless there are keys (`jwt_secret`, `jwks`).",
    ),
    key(
        "log",
        Some("fjall:./hookwire-data"),
        "memory:",
        "Where events are kept: `fjall:FOLDER` (durable), `memory:` (forgets at a restart), or a Redis that any number \
         of relays share (see below).",
    ),
    key("retention_age", Some("24h"), "7d", "Oldest event kept."),
    key("retention_events", Some("100000"), "1000", "Most events kept in one topic."),
    key("retention_bytes", Some("64MiB"), "1GiB", "Most bytes kept in one topic."),
    key("dedupe_window", Some("1h"), "80h", "How long the same id counts as a duplicate."),
    key("max_body", Some("1MiB"), "6MiB", "Largest body of a push or a publish."),
    key(
        "push_audience",
        None,
        "https://relay.example.com/webhooks/gmail",
        "Audience of Google's push tokens. Set, every push needs a valid token.",
    ),
    key(
        "push_email",
        None,
        "push@project.iam.gserviceaccount.com",
        "Service account whose push tokens are accepted.",
    ),
    key(
        "push_jwks",
        Some("https://www.googleapis.com/oauth2/v3/certs"),
        "./jwks.json",
        "Where the keys of push tokens are published: a URL or a file.",
    ),
    key(
        "trusted_hops",
        Some("0"),
        "1",
        "Proxies in front that are trusted to append to `X-Forwarded-For`.",
    ),
    key(
        "client_limit",
        Some("100"),
        "600",
        "Pushes per minute and address to sources without verification, failed verifications and tokens that are not good.",
    ),
    key("source_limit", Some("6000"), "60000", "Verified pushes per minute and source."),
    key("source_burst", Some("600"), "6000", "Verified pushes of a source at once."),
    Key {
        secret: true,
        ..key(
            "jwt_secret",
            None,
            "",
            "Secret of at least 32 bytes, which signs the tokens (JWT, HS256) of subscribers and publishers.",
        )
    },
    Key {
        secret: true,
        ..key(
            "jwt_secret_before",
            None,
            "",
            "The secret before it, whose tokens are still taken: for rotation.",
        )
    },
    key(
        "jwks",
        None,
        "https://login.example.com/.well-known/jwks.json",
        "Where the public keys of those tokens are: a URL or a file.",
    ),
    key(
        "jwt_algorithms",
        Some("RS256,ES256,EdDSA"),
        "ES256",
        "Algorithms that these public keys are taken for.",
    ),
    key("jwt_audience", None, "hookwire", "What a token's `aud` must hold; without it any."),
    key(
        "jwt_issuer",
        None,
        "https://login.example.com",
        "What a token's `iss` must be; without it any.",
    ),
    key(
        "jwt_leeway",
        Some("30s"),
        "0s",
        "How far the clocks of those who make tokens may differ; a revocation reaches so far ahead, too.",
    ),
    key(
        "jwt_max_lifetime",
        Some("30d"),
        "1d",
        "Longest life of a token that is taken, and so how long a revocation is remembered.",
    ),
    key(
        "query_tokens",
        Some("off"),
        "on",
        "Whether `?token=` is taken; proxies write it into their logs, so rather use tickets.",
    ),
    Key {
        secret: true,
        ..key(
            "ticket_secret",
            None,
            "",
            "Secret of at least 32 bytes that seals tickets and their cookies, the same in every relay; `jwt_secret` by \
             default.",
        )
    },
    key(
        "cookie_same_site",
        Some("lax"),
        "none",
        "`SameSite` of the cookies that tickets become: `strict`, `lax`, or `none` for pages of other sites.",
    ),
    key(
        "streams_per_user",
        Some("3"),
        "10",
        "Most streams of one user, on all relays together; 0 for any number.",
    ),
    key(
        "streams_over",
        Some("evict"),
        "refuse",
        "What happens to one too many: `evict` ends the oldest, `refuse` answers 429 to the newest.",
    ),
    key("stream_lease", Some("30s"), "10s", "How long the streams of a relay that died count."),
    key("user_limit", Some("600"), "6000", "Requests of one user per minute."),
    key("topic_limit", None, "600", "Events on one topic per minute; without it any number."),
    key("global_limit", None, "60000", "Events in all per minute; without it any number."),
    Key {
        secret: true,
        ..key(
            "bypass_secret",
            None,
            "",
            "Whoever sends this in `X-Hookwire-Bypass` is not limited; for load tests.",
        )
    },
    key(
        "cors_origins",
        None,
        "https://app.example.com",
        "Origins whose pages may follow and publish, with credentials.",
    ),
    key("heartbeat", Some("15s"), "10s", "Pause between heartbeats on a quiet stream."),
    key("retry", Some("3s"), "1s", "When a browser comes back after a cut; jittered."),
    key(
        "max_lifetime",
        Some("1h"),
        "10m",
        "Longest life of a stream; browsers then come back by themselves.",
    ),
    key(
        "linger",
        None,
        "30s",
        "A stream without an event for so long ends, and its browser comes back after `retry`: polling, for where an open \
         stream costs money. Without it streams stay open.",
    ),
    key(
        "slow_after",
        Some("30s"),
        "10s",
        "A client that takes nothing for so long is cut; it resumes where it was.",
    ),
    key(
        "idle_after",
        Some("75s"),
        "10m",
        "A connection without a request or a stream is closed after this; longer than a proxy in front keeps it.",
    ),
    key(
        "max_connections",
        Some("100000"),
        "5000",
        "Most open connections; fewer where the limit of open files, less a reserve, is lower. At the cap, those without a \
         request make room.",
    ),
    key(
        "max_connections_per_client",
        None,
        "200",
        "Most of them from one IPv4 address or /64 of IPv6; half of all when not set, 0 for any. Does not apply with \
         `trusted_hops`: the addresses are the proxy's.",
    ),
    key(
        "accept_rate",
        Some("20000"),
        "200",
        "New connections per second, and at once; what comes faster waits.",
    ),
    key("drain_within", Some("9s"), "25s", "How long open requests may last after a stop."),
    key("ring_events", Some("1024"), "128", "Newest events kept encoded for each followed topic."),
    key("ring_bytes", Some("4MiB"), "1MiB", "Most bytes of them."),
    key(
        "garbage_bytes",
        Some("64MiB"),
        "16MiB",
        "Expired events that may wait on disk before they are freed.",
    ),
    Key {
        secret: true,
        ..key("redis_password", None, "", "Password for Redis, when the address in `log` has none.")
    },
    key(
        "redis_ca",
        None,
        "./ca.pem",
        "Authority that signed the certificates of Redis; those of the system without it.",
    ),
    key("redis_cert", None, "./client.pem", "Certificate that this relay shows to Redis."),
    key("redis_key", None, "./client.key", "Its key."),
    key(
        "redis_namespace",
        Some("hookwire"),
        "staging",
        "What the keys in Redis begin with; relays with the same one share their events.",
    ),
    Key {
        secret: true,
        ..key(
            "redis_hash_secret",
            None,
            "",
            "Keeps topics from being guessed by the hashes that stand for them in the keys; the same in every relay.",
        )
    },
    key(
        "redis_connections",
        Some("50"),
        "8",
        "Most connections for commands, half of them for appends; a quarter more for what relays share, and the \
         subscription has one of its own.",
    ),
    key("redis_timeout", Some("500ms"), "250ms", "How long an answer of Redis may take."),
    key(
        "queue",
        None,
        "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/hookwire",
        "A queue beside the log, which takes events while the log does not, and brings back what the log loses.",
    ),
    key(
        "durability",
        Some("mirror"),
        "fallback",
        "What goes to the queue: `mirror` every event, `fallback` only what the log did not take.",
    ),
    key(
        "ack",
        Some("any"),
        "queue",
        "When a push is acknowledged: when log or queue took it (`any`), or only when the queue did.",
    ),
    key(
        "queue_delay",
        Some("60s"),
        "5m",
        "When it is looked whether the log still has a mirrored event; longer than what a failover can lose.",
    ),
    key(
        "queue_visibility",
        Some("30s"),
        "2m",
        "How long a message that one relay works on is kept from the others; longer than that work takes.",
    ),
    key("console", Some("on"), "off", "Whether `/` serves the live console."),
    key(
        "log_format",
        Some("auto"),
        "json",
        "Form of the relay's own log on standard error: `text`, `json`, or `auto`, which is text on a terminal.",
    ),
    key("metrics", Some("on"), "off", "Whether anything is counted, for `/metrics` or CloudWatch."),
    key(
        "metrics_namespace",
        Some("Hookwire"),
        "Hookwire/dev",
        "Namespace in CloudWatch of what the functions count; one for each deployment keeps them apart.",
    ),
    Key {
        secret: true,
        ..key(
            "sentry_dsn",
            None,
            "https://KEY@o1.ingest.sentry.io/2",
            "Where Sentry hears of what is broken; without it nowhere.",
        )
    },
    key("sentry_environment", Some("production"), "staging", "What Sentry calls this deployment."),
    key(
        "sentry_sample_rate",
        Some("1"),
        "0.25",
        "Which share of what begins is told to Sentry, from 0 to 1; its end is told when its beginning was.",
    ),
    key(
        "sentry_max_events",
        Some("60"),
        "600",
        "Most that one process tells Sentry in ten minutes; of one kind of trouble a sixth. The rest is counted.",
    ),
    key(
        "runbook_url",
        Some("infra/runbook.md"),
        "https://git.example.com/hookwire/infra/runbook.md",
        "Where your copy of the runbook is; what Sentry hears has a link to the right part of it.",
    ),
    key(
        "otel_exporter_otlp_endpoint",
        None,
        "http://127.0.0.1:4318",
        "Where traces go, by OTLP over HTTP; `/v1/traces` is put behind it. Without it there are none.",
    ),
    key(
        "otel_exporter_otlp_traces_endpoint",
        None,
        "http://127.0.0.1:4318/v1/traces",
        "The same as a whole address, which goes before it.",
    ),
    Key {
        secret: true,
        ..key(
            "otel_exporter_otlp_headers",
            None,
            "",
            "Headers that are sent with them, such as a token: `NAME=VALUE,NAME=VALUE`, values in percent-encoding.",
        )
    },
    Key {
        secret: true,
        ..key(
            "otel_exporter_otlp_traces_headers",
            None,
            "",
            "The same, in place of the others, for traces alone.",
        )
    },
    key(
        "otel_exporter_otlp_protocol",
        Some("http/protobuf"),
        "http/protobuf",
        "How they are sent; there is no other way.",
    ),
    key("otel_exporter_otlp_traces_protocol", None, "http/protobuf", "The same for traces alone."),
    key(
        "otel_exporter_otlp_timeout",
        Some("10000"),
        "2000",
        "How long the collector may take, in milliseconds. Nothing else waits for it.",
    ),
    key("otel_exporter_otlp_traces_timeout", None, "2000", "The same for traces alone."),
    key(
        "otel_traces_sampler",
        Some("parentbased_traceidratio"),
        "parentbased_always_on",
        "Which traces are recorded: `always_on`, `always_off`, `traceidratio`, or `parentbased_` and one of these, which \
         goes by what a sender's `traceparent` says if there is one.",
    ),
    key(
        "otel_traces_sampler_arg",
        Some("0.01"),
        "1",
        "How many of them `traceidratio` records, from 0 to 1.",
    ),
    key(
        "otel_service_name",
        None,
        "hookwire-eu",
        "Name of this service in traces; `hookwire` by default.",
    ),
    key(
        "otel_resource_attributes",
        None,
        "deployment.environment.name=prod",
        "What else is known of it: `NAME=VALUE,NAME=VALUE`, values in percent-encoding.",
    ),
    key("otel_traces_exporter", Some("otlp"), "none", "`none` turns traces off."),
    key("otel_sdk_disabled", Some("false"), "true", "`true` turns them off, too."),
];

/// Settings of one `[[sources]]` table in `hookwire.toml`.
pub const SOURCE_KEYS: [Key; 20] = [
    key("name", None, "orders", "Its name in metrics and in the quarantine."),
    key(
        "kind",
        None,
        "pubsub",
        "`gmail`, `pubsub`, `standard-webhooks`, `github`, `stripe`, `slack`, `cloudevents`, `hmac` or `bearer`.",
    ),
    key("path", None, "/webhooks/orders", "Path that it pushes to; `/webhooks/NAME` by default."),
    key("tenant", None, "acme", "Tenant that its events belong to; without it none."),
    key(
        "topic",
        None,
        "orders/{body.customer.id}",
        "Topic of its events, with fields in braces (see below).",
    ),
    key("event_type", None, "order.placed", "Type of its events; what the sender says by default."),
    Key {
        secret: true,
        ..key(
            "secret",
            None,
            "",
            "What the sender signs with or shows, or an array while one secret takes the place of another. Every kind \
             but Google's needs one.",
        )
    },
    // Secret too: somebody may well write the secret itself here.
    Key {
        secret: true,
        ..key(
            "secret_env",
            None,
            "ORDERS_SECRET",
            "Variable of the environment that holds such a secret, or an array of variables.",
        )
    },
    key(
        "verification",
        None,
        "none",
        "`none` takes pushes without proof: of `gmail` and `pubsub` even when an audience is set, of `cloudevents` \
         without a secret. `google` and `bearer` say what they do anyway.",
    ),
    key(
        "wrapped",
        Some("true"),
        "false",
        "`gmail`, `pubsub`: whether Pub/Sub wraps the message into JSON (its default) or sends the bare data.",
    ),
    key(
        "audience",
        None,
        "https://relay.example.com/webhooks/orders",
        "`gmail`, `pubsub`: audience of the push tokens; `push_audience` by default.",
    ),
    key(
        "email",
        None,
        "push@project.iam.gserviceaccount.com",
        "`gmail`, `pubsub`: service account of the push tokens; `push_email` by default.",
    ),
    key("header", None, "X-Signature", "`hmac`: header with the signature."),
    key("prefix", None, "sha256=", "`hmac`: what stands there in front of it."),
    key("encoding", Some("hex"), "base64", "`hmac`: how the signature is written."),
    key("algorithm", Some("sha256"), "sha512", "`hmac`: the hash inside."),
    key(
        "timestamp_header",
        None,
        "X-Timestamp",
        "`hmac`: header with the time in seconds, if `TIME.BODY` is signed and not only the body.",
    ),
    key("timestamp_tolerance", Some("5m"), "1m", "`hmac`: how far that time may be from now."),
    key(
        "id_header",
        Some("Idempotency-Key"),
        "X-Request-Id",
        "`hmac`, `bearer`: header with the id that tells duplicates; a push without it never is one.",
    ),
    key(
        "id_pointer",
        None,
        "/event/id",
        "`hmac`, `bearer`: where that id is in the body, instead of in a header.",
    ),
];

#[cfg(test)]
mod tests {
    use hookwire_boot::{markdown_table, markdown_table_in_file};

    use super::*;

    #[test]
    fn the_readme_lists_every_setting() {
        let readme = include_str!("../../../README.md");
        for table in [markdown_table(&KEYS), markdown_table_in_file(&SOURCE_KEYS)] {
            assert!(readme.contains(&table), "the README should contain this table:\n{table}");
        }
    }
}
