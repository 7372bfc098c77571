use hookwire_event::{Event, TraceContext, TraceState};
use http::{HeaderMap, HeaderName};

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// Has an event belong to the trace that it names itself, else to that of the request that brought it.
///
/// A name that is none is dropped, so that what an event says of its trace can be relied on everywhere.
pub fn continue_trace(event: &mut Event, headers: &HeaderMap) {
    let context = event.trace_context().or_else(|| in_headers(headers));
    event.set_trace_context(context.as_ref());
}

fn in_headers(headers: &HeaderMap) -> Option<TraceContext> {
    let mut named = headers.get_all(TRACE_PARENT).iter();
    // Of two, nobody can say which one is right.
    let (Some(only), None) = (named.next(), named.next()) else { return None };
    let context = TraceContext::parse(only.to_str().ok()?).ok()?;
    let states = headers.get_all(TRACE_STATE).iter().map(|state| state.to_str().ok());
    let states: Option<Vec<&str>> = states.collect();
    let state = states.and_then(|states| TraceState::parse(&states.join(",")));
    Some(context.with_state(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn found(headers: &[(&'static str, &str)]) -> Option<(String, Option<String>)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let context = in_headers(&map)?;
        Some((context.to_string(), context.state().map(|state| state.as_str().to_owned())))
    }

    #[test]
    fn one_traceparent_counts_with_all_its_states() {
        let parent = ("traceparent", CONTEXT);
        assert_eq!(found(&[parent]), Some((CONTEXT.into(), None)));
        let states = [parent, ("tracestate", "a=1"), ("tracestate", "b=2")];
        assert_eq!(found(&states), Some((CONTEXT.into(), Some("a=1,b=2".into()))));
        assert_eq!(found(&[parent, ("tracestate", "A")]), Some((CONTEXT.into(), None)));
    }

    #[test]
    fn neither_two_nor_a_malformed_one_counts_and_no_state_alone() {
        let parent = ("traceparent", CONTEXT);
        for headers in [&[parent, parent][..], &[("traceparent", "00-1")], &[("tracestate", "a=1")]]
        {
            assert_eq!(found(headers), None, "{headers:?}");
        }
    }
}
