use std::sync::Arc;

use hookwire_event::Position;
use hookwire_log::Gap;

use crate::Run;

/// What a connection is to send next.
#[derive(Debug)]
pub enum Delivery {
    /// Every topic has its position: the cursor is complete.
    Primed,
    /// Frames of the topic with this index.
    Run(usize, Arc<Run>),
    /// A gap in the topic with this index; with what was asked for, if that could be read.
    Gap(usize, Gap, Option<Position>),
    /// The log does not answer, or events wait that it does not have yet: they come late.
    Degraded,
    /// The log answers, and has everything that was acknowledged.
    Recovered,
}
