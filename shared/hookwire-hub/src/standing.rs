/// Where the followers of a topic stand: what each has asked for, whatever became of it since.
///
/// A number for each, under the lock of the ring that it asks anyway. So one whose socket takes nothing is seen too: it asks for
/// no more, and its number stays.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    places: Vec<u64>,
    free: Vec<Follower>,
}

/// Which of the numbers is whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follower(u32);

/// The number of nobody, and of whoever has not asked yet.
const NOWHERE: u64 = u64::MAX;

impl Standing {
    pub(crate) fn join(&mut self) -> Follower {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(NOWHERE);
            Follower(u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX))
        })
    }

    pub(crate) fn leave(&mut self, follower: Follower) {
        self.note(follower, NOWHERE);
        self.free.push(follower);
        if self.free.len() == self.places.len() {
            *self = Self::default();
        }
    }

    /// Notes that a follower has everything up to `k`.
    pub(crate) fn note(&mut self, follower: Follower, k: u64) {
        if let Some(place) = self.places.get_mut(follower.0 as usize) {
            *place = k;
        }
    }

    /// Where the last of them stands.
    pub(crate) fn last(&self) -> Option<u64> {
        self.places.iter().copied().min().filter(|k| *k != NOWHERE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_who_is_furthest_behind_and_still_there() {
        let mut standing = Standing::default();
        let [one, two] = [(); 2].map(|()| standing.join());
        assert_eq!(standing.last(), None);
        standing.note(one, 7);
        standing.note(two, 3);
        assert_eq!(standing.last(), Some(3));
        standing.leave(two);
        assert_eq!(standing.last(), Some(7));
        let three = standing.join();
        assert_eq!(standing.last(), Some(7), "who comes has asked for nothing");
        assert_eq!(standing.places.len(), 2, "and takes the place of who left");
        standing.leave(one);
        standing.leave(three);
        assert_eq!((standing.last(), standing.places.len()), (None, 0));
    }
}
