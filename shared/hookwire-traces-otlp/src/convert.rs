use hookwire_traces::{Ended, Kind, Value};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// A span as the exporter takes it. What senders put into `tracestate` is theirs, and stays out.
pub(crate) fn span_data(span: Ended, scope: &InstrumentationScope) -> SpanData {
    let trace_id = TraceId::from(span.context.trace_id());
    let span_id = SpanId::from(span.context.span_id());
    let attributes = span.attributes.into_iter().map(|(name, value)| match value {
        Value::Text(text) => KeyValue::new(name, text.into_owned()),
        Value::Number(number) => KeyValue::new(name, number),
    });
    let failed = span.failure.map(|why| KeyValue::new("error.type", why));
    SpanData {
        span_context: SpanContext::new(
            trace_id,
            span_id,
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: span.parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: matches!(span.kind, Kind::Server | Kind::Consumer),
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        },
        name: span.name.into(),
        start_time: span.start,
        end_time: span.end,
        attributes: attributes.chain(failed).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.failure.map_or(Status::Unset, Status::error),
        instrumentation_scope: scope.clone(),
    }
}
