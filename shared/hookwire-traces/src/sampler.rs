use hookwire_event::TraceContext;

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Whether a trace that somebody else began is recorded when he records it. Else it counts as any other.
    pub parent_based: bool,
    /// How many of the others, from 0 to 1.
    pub ratio: f64,
}

impl Sampler {
    pub(crate) fn samples(&self, trace_id: u128, parent: Option<&TraceContext>) -> bool {
        match parent {
            Some(parent) if self.parent_based => parent.is_sampled(),
            _ => self.draws(trace_id),
        }
    }

    /// Decides by the id alone, as the samplers of OpenTelemetry do, so that everybody with this ratio decides the same.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the lower half of the id is what is asked for, and a ratio is no less than 0"
    )]
    fn draws(&self, trace_id: u128) -> bool {
        let bound = (self.ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64;
        (trace_id as u64) >> 1 < bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_kept_whatever_the_ids_and_the_ends_are_all_and_none() {
        let sampled = |ratio: f64| {
            let sampler = Sampler { parent_based: true, ratio };
            let mut ids = fastrand::Rng::with_seed(7);
            (0..10_000).filter(|_| sampler.samples(ids.u128(..), None)).count()
        };
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 10_000));
        assert!((2_300..2_700).contains(&sampled(0.25)), "{}", sampled(0.25));
    }

    #[test]
    fn only_one_that_is_parent_based_does_as_the_parent() {
        for (ratio, sampled) in [(0.0, true), (1.0, false)] {
            let parent = TraceContext::root(1, 1, sampled).unwrap();
            let samples = |parent_based| Sampler { parent_based, ratio }.samples(1, Some(&parent));
            assert_eq!(samples(true), sampled);
            assert_eq!(samples(false), !sampled);
        }
    }
}
