use std::collections::VecDeque;

use sentry::protocol::Breadcrumb;

/// What was logged last, by whatever task: what broke is rarely told by the one who broke it.
#[derive(Debug, Default)]
pub(super) struct Breadcrumbs(VecDeque<Breadcrumb>);

impl Breadcrumbs {
    /// More than a screen is not read, and each costs memory in every process.
    const MOST: usize = 30;

    pub(super) fn keep(&mut self, breadcrumb: Breadcrumb) {
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(breadcrumb);
    }

    pub(super) fn all(&self) -> Vec<Breadcrumb> {
        self.0.iter().cloned().collect()
    }
}
