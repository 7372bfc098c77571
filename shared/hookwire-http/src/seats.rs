use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::ClientNet;

/// How many connections may be open at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    pub(crate) all: NonZeroUsize,
    pub(crate) client: Option<NonZeroUsize>,
}

/// Which cap a connection was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    All,
    Client,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "as many connections as there may be",
            Self::Client => "as many connections of one client as there may be",
        })
    }
}

impl Over {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Client => "client",
        }
    }
}

/// Every open connection, and in which order they make room for new ones.
#[derive(Debug)]
pub(crate) struct Seats {
    caps: Caps,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    numbers: u64,
    open: usize,
    by_client: HashMap<IpAddr, usize>,
    waiting: BTreeMap<Rank, (IpAddr, CancellationToken)>,
    waiting_of: BTreeSet<(IpAddr, Rank)>,
}

/// Who goes first among those that have no request: who never sent one, then who waits longest for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    asked: bool,
    number: u64,
}

impl Rank {
    const FIRST: Self = Self { asked: false, number: 0 };
    const LAST: Self = Self { asked: true, number: u64::MAX };
}

impl Seats {
    pub(crate) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self { caps, taken: Mutex::default() })
    }

    /// Finds a place for a new connection, and says for which cap another one had to go; `dead` is cancelled when it has
    /// to go itself.
    pub(crate) fn take(
        self: &Arc<Self>,
        ClientNet(client): ClientNet,
        dead: CancellationToken,
    ) -> Result<(Seat, Option<Over>), Over> {
        let mut taken = self.taken();
        let of_client = taken.by_client.get(&client).copied().unwrap_or_default();
        let mut vacated = None;
        if self.caps.client.is_some_and(|most| of_client >= most.get()) {
            vacated = Some(Over::Client).filter(|_over| taken.vacate_of(client));
            vacated.ok_or(Over::Client)?;
        }
        if taken.open >= self.caps.all.get() {
            vacated = Some(Over::All).filter(|_over| taken.vacate());
            vacated.ok_or(Over::All)?;
        }
        taken.open += 1;
        *taken.by_client.entry(client).or_default() += 1;
        metrics::gauge!("hookwire_connections_open").increment(1.0);
        let rank = taken.wait(client, dead.clone(), false);
        drop(taken);
        let standing = Standing::Waiting(rank);
        Ok((Seat { seats: Arc::clone(self), client, dead, standing }, vacated))
    }

    /// Has one connection without a request make room, because something else than seats ran out.
    pub(crate) fn make_room(&self) -> bool {
        self.taken().vacate()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn wait(&mut self, client: IpAddr, dead: CancellationToken, asked: bool) -> Rank {
        self.numbers += 1;
        let rank = Rank { asked, number: self.numbers };
        self.waiting.insert(rank, (client, dead));
        self.waiting_of.insert((client, rank));
        rank
    }

    /// `None` when it has made room already.
    fn wait_no_more(&mut self, rank: Rank) -> Option<CancellationToken> {
        let (client, dead) = self.waiting.remove(&rank)?;
        self.waiting_of.remove(&(client, rank));
        Some(dead)
    }

    fn vacate(&mut self) -> bool {
        let first = self.waiting.first_key_value().map(|(rank, (client, _))| (*client, *rank));
        first.is_some_and(|(client, rank)| self.send_away(client, rank))
    }

    fn vacate_of(&mut self, client: IpAddr) -> bool {
        let own = (client, Rank::FIRST)..=(client, Rank::LAST);
        let first = self.waiting_of.range(own).next().copied();
        first.is_some_and(|(client, rank)| self.send_away(client, rank))
    }

    fn send_away(&mut self, client: IpAddr, rank: Rank) -> bool {
        let Some(dead) = self.wait_no_more(rank) else { return false };
        metrics::counter!("hookwire_connections_closed_total", "reason" => "room").increment(1);
        dead.cancel();
        self.leave(client);
        true
    }

    fn leave(&mut self, client: IpAddr) {
        metrics::gauge!("hookwire_connections_open").decrement(1.0);
        self.open -= 1;
        if let Some(open) = self.by_client.get_mut(&client) {
            *open -= 1;
            if *open == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

/// The place of one connection, free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    client: IpAddr,
    dead: CancellationToken,
    standing: Standing,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Without a request; unless it is no longer listed, then it has made room.
    Waiting(Rank),
    /// It has requests, and makes room for nobody.
    Busy,
    Vacated,
}

impl Seat {
    /// Notes that its connection has a request to be answered.
    pub(crate) fn busy(&mut self) {
        let Standing::Waiting(rank) = self.standing else { return };
        let still = self.seats.taken().wait_no_more(rank).is_some();
        self.standing = if still { Standing::Busy } else { Standing::Vacated };
    }

    /// Notes that everything its connection asked for is answered.
    pub(crate) fn idle(&mut self) {
        let Standing::Busy = self.standing else { return };
        let rank = self.seats.taken().wait(self.client, self.dead.clone(), true);
        self.standing = Standing::Waiting(rank);
    }

    /// Makes it the seat of a connection that has its last request; `None` when it has made room.
    pub(crate) fn busy_for_good(mut self) -> Option<BusySeat> {
        self.busy();
        let busy = matches!(self.standing, Standing::Busy);
        busy.then(|| {
            self.standing = Standing::Vacated;
            BusySeat { seats: Arc::clone(&self.seats), client: self.client }
        })
    }
}

/// The seat of a connection that will have no other request, free again when dropped.
#[derive(Debug)]
pub(crate) struct BusySeat {
    seats: Arc<Seats>,
    client: IpAddr,
}

impl Drop for BusySeat {
    fn drop(&mut self) {
        self.seats.taken().leave(self.client);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let had = match self.standing {
            Standing::Waiting(rank) => taken.wait_no_more(rank).is_some(),
            Standing::Busy => true,
            Standing::Vacated => false,
        };
        if had {
            taken.leave(self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(all: usize, client: usize) -> Arc<Seats> {
        let all = NonZeroUsize::new(all).unwrap();
        Seats::new(Caps { all, client: NonZeroUsize::new(client) })
    }

    fn take(seats: &Arc<Seats>, client: u8) -> Result<Seat, Over> {
        let client = ClientNet([10, 0, 0, client].into());
        seats.take(client, CancellationToken::new()).map(|(seat, _)| seat)
    }

    #[test]
    fn who_never_asked_makes_room_first_then_who_waits_longest_and_never_who_is_served() {
        let seats = seats(4, 0);
        let mut sat: Vec<Seat> = (0..4).map(|n| take(&seats, n).unwrap()).collect();
        sat[0].busy();
        for kept_alive in [2, 1] {
            sat[kept_alive].busy();
            sat[kept_alive].idle();
        }
        let mut gone = Vec::new();
        let mut new = Vec::new();
        for _ in 0..3 {
            new.push(take(&seats, 9).unwrap());
            new.last_mut().unwrap().busy();
            gone.push((0..4).filter(|n| sat[*n].dead.is_cancelled()).collect::<Vec<_>>());
        }
        assert_eq!(gone, [vec![3], vec![2, 3], vec![1, 2, 3]]);
        assert_eq!(take(&seats, 9).unwrap_err(), Over::All);
        drop(sat);
        assert_eq!(seats.taken().open, 3, "who made room is not counted twice");
        drop(new);
        assert_eq!(seats.taken().open, 0);
        assert!(seats.taken().by_client.is_empty() && seats.taken().waiting_of.is_empty());
    }

    #[test]
    fn a_client_over_its_cap_makes_room_itself_and_nobody_else_does() {
        let seats = seats(10, 2);
        let other = take(&seats, 1).unwrap();
        let mut own = [take(&seats, 2).unwrap(), take(&seats, 2).unwrap()];
        own[0].busy();
        let mut third = take(&seats, 2).unwrap();
        assert!(own[1].dead.is_cancelled() && !other.dead.is_cancelled());
        third.busy();
        assert_eq!(take(&seats, 2).unwrap_err(), Over::Client);
        assert!(take(&seats, 3).is_ok());
    }

    #[test]
    fn a_seat_that_is_busy_for_good_makes_room_for_nobody_and_is_free_when_dropped() {
        let seats = seats(1, 0);
        let busy = take(&seats, 1).unwrap().busy_for_good().unwrap();
        assert_eq!(take(&seats, 2).unwrap_err(), Over::All);
        drop(busy);
        let seat = take(&seats, 2).unwrap();
        let _new = take(&seats, 3).unwrap();
        assert!(seat.busy_for_good().is_none(), "it has made room");
        assert_eq!(seats.taken().open, 1);
    }

    #[test]
    fn a_request_that_comes_when_its_connection_has_just_made_room_gets_no_seat_back() {
        let seats = seats(1, 0);
        let mut late = take(&seats, 1).unwrap();
        let new = take(&seats, 2).unwrap();
        late.busy();
        late.idle();
        drop(late);
        assert_eq!(seats.taken().open, 1);
        drop(new);
        assert_eq!(seats.taken().open, 0);
    }
}
