use std::fmt;

use crate::TraceState;

/// Where in a trace something happened: W3C `traceparent`, and the `tracestate` that goes with it.
///
/// Source: <https://www.w3.org/TR/trace-context/>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
    state: Option<TraceState>,
}

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a traceparent is like 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct InvalidTraceContext;

impl TraceContext {
    const SAMPLED: u8 = 0b01;
    /// Says that the trace's id was drawn at random, which stays true further down.
    const RANDOM: u8 = 0b10;
    /// Length of version 00, and where later versions may go on.
    const LENGTH: usize = 55;

    /// The beginning of a trace; nothing when an id is zero, which stands for none.
    #[must_use]
    pub fn root(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        let flags = if sampled { Self::SAMPLED } else { 0 };
        let is_valid = trace_id != 0 && span_id != 0;
        is_valid.then_some(Self { trace_id, parent_id: span_id, flags, state: None })
    }

    /// Parses a `traceparent`. Of a later version only what version 00 has is kept.
    ///
    /// # Errors
    ///
    /// [`InvalidTraceContext`]: the trace is not to be continued.
    pub fn parse(traceparent: &str) -> Result<Self, InvalidTraceContext> {
        let text = traceparent.as_bytes();
        let (head, rest) = text.split_at_checked(Self::LENGTH).ok_or(InvalidTraceContext)?;
        let mut parts = head.split(|byte| *byte == b'-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits);
            part.and_then(hexadecimal).ok_or(InvalidTraceContext)
        };
        let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let goes_on = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let parent_id = u64::try_from(parent_id).map_err(|_never| InvalidTraceContext)?;
        let flags = u8::try_from(flags).map_err(|_never| InvalidTraceContext)?;
        if !goes_on || trace_id == 0 || parent_id == 0 {
            return Err(InvalidTraceContext);
        }
        // What the other flags of a later version mean is not known, and it is passed on as version 00.
        let known = if version == 0 { u8::MAX } else { Self::SAMPLED | Self::RANDOM };
        Ok(Self { trace_id, parent_id, flags: flags & known, state: None })
    }

    /// The same with this `tracestate`.
    #[must_use]
    pub fn with_state(self, state: Option<TraceState>) -> Self {
        Self { state, ..self }
    }

    /// The same trace one span further down.
    #[must_use]
    pub fn child(&self, span_id: u64, sampled: bool) -> Option<Self> {
        let sampled = if sampled { Self::SAMPLED } else { 0 };
        let flags = self.flags & Self::RANDOM | sampled;
        (span_id != 0).then(|| Self { parent_id: span_id, flags, ..self.clone() })
    }

    /// What all spans of the trace have in common.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span that this was told by.
    #[must_use]
    pub fn span_id(&self) -> u64 {
        self.parent_id
    }

    /// Whether those before have recorded the trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// The `tracestate` beside it.
    #[must_use]
    pub fn state(&self) -> Option<&TraceState> {
        self.state.as_ref()
    }
}

/// Writes the `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

/// Reads lower-case digits; the standard refuses others, and so two spellings of one id.
fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers>
    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_standards_examples_are_read_and_written_as_they_were() {
        let unsampled = SAMPLED.replace("-01", "-00");
        for (text, is_sampled) in [(SAMPLED, true), (&unsampled, false)] {
            let context = TraceContext::parse(text).unwrap();
            assert_eq!(context.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
            assert_eq!(context.span_id(), 0x00f0_67aa_0ba9_02b7);
            assert_eq!(context.is_sampled(), is_sampled);
            assert_eq!(context.to_string(), text);
        }
    }

    #[test]
    fn what_the_standard_forbids_is_no_context() {
        for text in [
            "",
            "00",
            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text), Err(InvalidTraceContext), "{text:?}");
        }
    }

    #[test]
    fn of_a_later_version_goes_on_what_this_one_knows() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what-it-has";
        let context = TraceContext::parse(later).unwrap();
        assert_eq!(context.to_string(), SAMPLED.replace("-01", "-03"));
    }

    #[test]
    fn a_child_stays_in_the_trace_and_says_whether_it_is_recorded() {
        let parent = TraceContext::parse(SAMPLED).unwrap();
        let parent = parent.with_state(TraceState::parse("a=1"));
        let child = parent.child(7, false).unwrap();
        assert_eq!(child.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-00");
        assert_eq!(child.state(), parent.state());
        assert_eq!(parent.child(0, true), None);
        assert_eq!(TraceContext::root(0, 1, true), None);
    }
}
