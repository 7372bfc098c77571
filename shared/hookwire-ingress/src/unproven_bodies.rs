use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookwire_http::ClientNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// The bodies that are read before anything is proven, of all clients and of each.
///
/// What is proven already never waits for one of their places. They hold at most [`ALL`](Self::ALL) times the largest
/// body, which is 256 MiB by default, and [`OF_CLIENT`](Self::OF_CLIENT) times that of one client, which is 16 MiB.
#[derive(Debug)]
pub(crate) struct UnprovenBodies {
    all: Semaphore,
    clients: Mutex<HashMap<ClientNet, Places>>,
}

/// The places of one client, and how many pushes have one or wait for one.
#[derive(Debug)]
struct Places {
    pushes: usize,
    free: Arc<Semaphore>,
}

impl UnprovenBodies {
    /// Most at once. A genuine body is there within milliseconds, so that they carry thousands of pushes per second; each
    /// may cost a whole body of memory.
    const ALL: usize = 256;
    /// Most of one client at once: it takes sixteen addresses to keep everybody else waiting.
    const OF_CLIENT: u32 = 16;
    /// Longest wait for a place. A burst of genuine pushes passes through the places of its address much sooner; with the
    /// time that the body has, it must stay below the time in which a push is answered.
    const PLACE_WITHIN: Duration = Duration::from_millis(500);

    pub(crate) fn new() -> Self {
        Self { all: Semaphore::new(Self::ALL), clients: Mutex::default() }
    }

    /// Waits for a place for one body; `None` when there was none in time. An `is_over` client may have only one.
    pub(crate) async fn place(
        &self,
        client: Option<ClientNet>,
        is_over: bool,
    ) -> Option<Place<'_>> {
        let within = Self::PLACE_WITHIN;
        tokio::time::timeout(within, self.free(client, is_over)).await.ok().flatten()
    }

    async fn free(&self, client: Option<ClientNet>, is_over: bool) -> Option<Place<'_>> {
        let share = client.map(|client| self.share(client));
        // One's own place first: in front of the others' places nobody then stands more often than he has places.
        let own = match &share {
            Some(share) => {
                let places = if is_over { Self::OF_CLIENT } else { 1 };
                Some(Arc::clone(&share.free).acquire_many_owned(places).await.ok()?)
            }
            None => None,
        };
        Some(Place { _of_all: self.all.acquire().await.ok()?, _own: own, _share: share })
    }

    fn share(&self, client: ClientNet) -> Share<'_> {
        let mut clients = self.clients();
        let places = clients.entry(client).or_insert_with(|| Places {
            pushes: 0,
            free: Arc::new(Semaphore::new(Self::OF_CLIENT as usize)),
        });
        places.pushes += 1;
        Share { bodies: self, client, free: Arc::clone(&places.free) }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClientNet, Places>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one unproven body, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place<'b> {
    _of_all: SemaphorePermit<'b>,
    _own: Option<OwnedSemaphorePermit>,
    _share: Option<Share<'b>>,
}

/// Keeps the places of a client known while one of its pushes has one or waits for one.
#[derive(Debug)]
struct Share<'b> {
    bodies: &'b UnprovenBodies,
    client: ClientNet,
    free: Arc<Semaphore>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut clients = self.bodies.clients();
        if let Some(places) = clients.get_mut(&self.client) {
            places.pushes -= 1;
            if places.pushes == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> Option<ClientNet> {
        Some(ClientNet([10, 0, 0, number].into()))
    }

    async fn places(bodies: &UnprovenBodies, of: Option<ClientNet>, most: usize) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        while places.len() < most
            && let Some(place) = bodies.place(of, false).await
        {
            places.push(place);
        }
        places
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_sixteen_places_and_the_others_have_theirs() {
        let bodies = UnprovenBodies::new();
        let first = places(&bodies, client(1), 100).await;
        assert_eq!(first.len(), 16);
        assert!(bodies.place(client(2), false).await.is_some());
        drop(first);
        assert_eq!(places(&bodies, client(1), 100).await.len(), 16, "they are free again");
        assert!(bodies.clients().is_empty(), "nobody is remembered who has none");
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_256_places_in_all() {
        let bodies = UnprovenBodies::new();
        let mut taken = Vec::new();
        for number in 0..20 {
            taken.extend(places(&bodies, client(number), 16).await);
        }
        assert_eq!(taken.len(), 256);
        assert_eq!(bodies.clients().len(), 16, "who waited in vain is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_over_a_limit_has_one_place_and_waits_for_the_next() {
        let bodies = UnprovenBodies::new();
        let alone = bodies.place(client(1), true).await;
        assert!(alone.is_some());
        assert!(bodies.place(client(1), true).await.is_none());
        let (next, ()) = tokio::join!(bodies.place(client(1), true), async { drop(alone) });
        assert!(next.is_some());
    }
}
