//! What spans are made of an event, and of which.

#![expect(clippy::unwrap_used, reason = "clippy sees tests only in functions marked as such")]

use std::sync::{Arc, Mutex};

use hookwire_event::{
    Data, Event, EventId, EventTime, EventType, Payload, SourceUri, Tenant, Topic, TraceContext,
};
use hookwire_traces::{Ended, Kind, Sampler, Sink, Traced, Tracer, Value};

#[derive(Debug, Default)]
struct Taken(Mutex<Vec<Ended>>);

impl Sink for Taken {
    fn take(&self, span: Ended) {
        self.0.lock().unwrap().push(span);
    }
}

impl Taken {
    fn spans(&self) -> Vec<Ended> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn tracer(ratio: f64) -> (Tracer, Arc<Taken>) {
    let taken = Arc::new(Taken::default());
    let sampler = Sampler { parent_based: true, ratio };
    (Tracer::new(sampler, Arc::clone(&taken) as Arc<dyn Sink>), taken)
}

fn event(trace: Option<&TraceContext>) -> Event {
    let mut event = Event {
        id: EventId::parse("7").unwrap(),
        source: SourceUri::parse("/webhooks/x").unwrap(),
        topic: Topic::parse("gmail/a@example.com").unwrap().within(&Tenant::parse("acme").unwrap()),
        event_type: EventType::parse("x").unwrap(),
        time: EventTime::from_unix_ms(0),
        data: Data::from(Payload::guess(b"")),
        key: None,
        extensions: Vec::new(),
    };
    event.set_trace_context(trace);
    event
}

fn context(sampled: bool) -> TraceContext {
    TraceContext::root(0xabc, 0xdef, sampled).unwrap()
}

#[test]
fn an_event_goes_on_under_the_request_that_brought_it() {
    for (ratio, incoming) in [(0.0, Some(context(true))), (1.0, None)] {
        let (tracer, taken) = tracer(ratio);
        let mut event = event(incoming.as_ref());
        let mut arrival = tracer.arrival("receive");
        arrival.brought(&mut event);
        let inside = event.trace_context().unwrap();
        tracer.below(&event, "append", Kind::Client).child("deeper", Kind::Client).set("a", "b");
        let mut span = arrival.into_span();
        span.set("outcome", "appended");
        span.set_failure(Some("unavailable"));
        drop(span);
        let spans = taken.spans();
        let [deeper, append, receive] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!(receive.context, inside);
        assert_eq!(receive.parent, incoming.as_ref().map(TraceContext::span_id));
        assert_eq!(append.parent, Some(receive.context.span_id()));
        assert_eq!(deeper.parent, Some(append.context.span_id()));
        assert_eq!((receive.kind, receive.failure), (Kind::Server, Some("unavailable")));
        for span in &spans {
            assert_eq!(span.context.trace_id(), inside.trace_id());
            assert!(span.context.is_sampled() && span.end >= span.start);
        }
        let known = |name: &'static str, text: &'static str| (name, Value::from(text));
        let hash = event.topic.hash();
        let of_event = [("topic.hash", Value::from(hash)), known("tenant", "acme")];
        let of_event = [&[known("event.id", "7")], &of_event[..]].concat();
        assert_eq!(append.attributes, of_event);
        assert_eq!(receive.attributes, [of_event, vec![known("outcome", "appended")]].concat());
    }
}

#[test]
fn an_event_whose_trace_is_not_recorded_stays_as_it_came_and_leaves_no_span() {
    for incoming in [None, Some(context(false))] {
        let (tracer, taken) = tracer(0.0);
        let mut event = event(incoming.as_ref());
        let mut arrival = tracer.arrival("receive");
        arrival.brought(&mut event);
        assert_eq!(event.trace_context(), incoming);
        assert!(
            Traced::heard(&tracer, &event).is_none() && Traced::read(&tracer, &event).is_none()
        );
        drop((tracer.below(&event, "append", Kind::Client), arrival.into_span()));
        assert_eq!(taken.spans(), []);
    }
}

#[test]
fn without_a_tracer_the_trace_that_was_named_is_passed_on() {
    let (tracer, incoming) = (Tracer::default(), context(true));
    let mut event = event(Some(&incoming));
    let mut arrival = tracer.arrival("receive");
    arrival.brought(&mut event);
    assert_eq!(event.trace_context(), Some(incoming));
    assert!(tracer.below(&event, "append", Kind::Client).context().is_none());
    assert!(Traced::heard(&tracer, &event).is_none() && Traced::read(&tracer, &event).is_none());
    assert!(arrival.into_span().context().is_none());
}

#[test]
fn a_sampler_that_takes_no_part_in_a_recorded_trace_leaves_no_span_anywhere() {
    let taken = Arc::new(Taken::default());
    let sampler = Sampler { parent_based: false, ratio: 0.0 };
    let tracer = Tracer::new(sampler, Arc::clone(&taken) as Arc<dyn Sink>);
    let event = event(Some(&context(true)));
    assert!(Traced::heard(&tracer, &event).is_none() && Traced::read(&tracer, &event).is_none());
    drop(tracer.below(&event, "append", Kind::Client));
    assert_eq!(taken.spans(), []);
}

#[test]
fn what_was_not_recorded_where_it_arrived_is_not_recorded_later() {
    let taken = Arc::new(Taken::default());
    let sampler = Sampler { parent_based: false, ratio: 1.0 };
    let tracer = Tracer::new(sampler, Arc::clone(&taken) as Arc<dyn Sink>);
    for trace in [None, Some(context(false))] {
        let event = event(trace.as_ref());
        assert!(Traced::heard(&tracer, &event).is_none());
        assert!(Traced::read(&tracer, &event).is_none());
        drop(tracer.below(&event, "append", Kind::Client));
    }
    assert_eq!(taken.spans(), []);
}

#[test]
fn a_request_that_brings_no_event_is_a_trace_of_its_own() {
    let (tracer, taken) = tracer(1.0);
    drop(tracer.arrival("receive").into_span());
    assert_eq!(taken.spans().first().map(|span| (span.name, span.parent)), Some(("receive", None)));
}

#[test]
fn of_thousands_of_deliveries_a_few_are_shown_below_what_was_heard_or_read() {
    let (tracer, taken) = tracer(0.0);
    let event = event(Some(&context(true)));
    let (fan_out, heard) = Traced::heard(&tracer, &event).unwrap();
    let above = fan_out.context().unwrap().span_id();
    drop(fan_out);
    let read = Traced::read(&tracer, &event).unwrap();
    (0..5_000).for_each(|_| heard.delivered());
    read.delivered();
    let spans = taken.spans();
    let shown = |span: &Ended| (span.name, span.parent, span.attributes.clone());
    let delivered = |from: &'static str, streams: u32| {
        vec![("hookwire.from", Value::from(from)), ("hookwire.streams", Value::from(streams))]
    };
    let of_ring = [1, 10, 100, 1_000].map(|streams| ("deliver", above, delivered("ring", streams)));
    let of_log = ("deliver", context(true).span_id(), delivered("log", 1));
    let expected = of_ring.into_iter().chain([of_log]);
    let expected: Vec<_> =
        expected.map(|(name, parent, known)| (name, Some(parent), known)).collect();
    assert_eq!(spans.first().map(|span| span.name), Some("fan out"));
    assert_eq!(spans.iter().skip(1).map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn there_are_so_many_deliveries_in_a_second_and_no_more() {
    let (tracer, taken) = tracer(0.0);
    let event = event(Some(&context(true)));
    // However long this takes, it is not the ten seconds in which a thousand would get through.
    for _ in 0..1_000 {
        Traced::read(&tracer, &event).unwrap().delivered();
    }
    let shown = taken.spans().len();
    assert!((100..1_000).contains(&shown), "{shown}");
}
