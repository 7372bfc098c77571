use std::time::SystemTime;

use hookwire_grant::{Grant, Verifier};
use http::HeaderValue;
use http::request::Parts;

use crate::credential::Credentials;
use crate::origin::{is_own, origin_of};
use crate::sealed::{Sealed, SealedAs, is_sealed};
use crate::{Access, Identity, Purpose, Refusal, Sealer};

/// What a request proves.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Who sent it.
    Good(Identity),
    /// That somebody got a ticket for it, which may have been used already.
    Ticket(Box<Ticket>),
}

/// A ticket of this relay, brought by a page that may.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) grant: Grant,
    sealed: Sealed,
    /// The cookie that came with it, if it is one of an earlier ticket.
    earlier: Option<Sealed>,
}

/// What became of a ticket.
#[derive(Debug)]
pub(crate) enum Exchanged {
    /// It is spent now, for this cookie.
    For(Option<HeaderValue>),
    /// It was used before, as in every reconnect of an `EventSource`, which brings its ticket again.
    Before,
}

impl Access {
    /// Reads what a request proves.
    pub(crate) async fn proof(
        &self,
        request: &Parts,
        purpose: Purpose,
        now: SystemTime,
    ) -> Result<Proof, Refusal> {
        let Some(verifier) = &self.config.verifier else {
            return Ok(Proof::Good(Identity::Anybody));
        };
        let given = Credentials::of(request);
        let query_token = given.query_token.filter(|_| self.config.query_tokens);
        // A ticket is good for nothing but a stream.
        let ticket = given.ticket.filter(|_| purpose == Purpose::Follow);
        let grant = match (given.bearer, ticket, given.cookie, query_token) {
            (Some(token), ..) | (None, None, None, Some(token)) => {
                verifier.verify(&token, now).await?
            }
            // Before the cookie: that may be of another user, who used this browser before.
            (None, Some(ticket), cookie, _) => {
                let ticket = self.ticket(&ticket, cookie, request)?;
                return Ok(Proof::Ticket(Box::new(ticket)));
            }
            (None, None, Some(cookie), _) => {
                self.by_cookie(verifier, cookie, request, purpose, now).await?
            }
            (None, None, None, None) => return Err(Refusal::Missing),
        };
        Ok(Proof::Good(Identity::User(grant)))
    }

    async fn by_cookie(
        &self,
        verifier: &Verifier,
        cookie: &str,
        request: &Parts,
        purpose: Purpose,
        now: SystemTime,
    ) -> Result<Grant, Refusal> {
        let named = self.config.origins.allow(request);
        if !named.unwrap_or(purpose != Purpose::Change) {
            return Err(Refusal::ForeignOrigin);
        }
        if !is_sealed(cookie) {
            return Ok(verifier.verify(cookie, now).await?);
        }
        let sealed = self.sealer()?.open(cookie, SealedAs::Cookie);
        let grant = sealed.and_then(|sealed| sealed.grant()).ok_or(Refusal::Ticket(BAD_COOKIE))?;
        match grant.expires_at() > now {
            true => Ok(grant),
            false => Err(Refusal::Ticket(ENDED_COOKIE)),
        }
    }

    /// The user of a ticket that was used before, by the cookie that came with it. It has to be the same user: where two
    /// use one browser the cookie is of the last one.
    pub(crate) async fn by_cookie_of(
        &self,
        owner: &Grant,
        request: &Parts,
        now: SystemTime,
    ) -> Result<Identity, Refusal> {
        let cookie = Credentials::of(request).cookie;
        let (Some(cookie), Some(verifier)) = (cookie, &self.config.verifier) else {
            return Err(Refusal::Ticket(USED_TICKET));
        };
        let grant = self.by_cookie(verifier, cookie, request, Purpose::Follow, now).await?;
        if (grant.user(), grant.tenant()) != (owner.user(), owner.tenant()) {
            return Err(Refusal::Ticket(OTHER_USER));
        }
        let identity = Identity::User(grant);
        match self.streams.is_revoked(&identity.holder()) {
            true => Err(Refusal::Revoked),
            false => Ok(identity),
        }
    }

    fn ticket(
        &self,
        ticket: &str,
        cookie: Option<&str>,
        request: &Parts,
    ) -> Result<Ticket, Refusal> {
        // It sets a cookie, which a page from elsewhere could otherwise do for its visitor.
        if self.config.origins.allow(request) == Some(false) {
            return Err(Refusal::ForeignOrigin);
        }
        let sealer = self.sealer()?;
        let sealed = sealer.open(ticket, SealedAs::Ticket).ok_or(Refusal::Ticket(BAD_TICKET))?;
        if sealed.origin.as_deref().is_some_and(|bound| !is_from(bound, request)) {
            return Err(Refusal::Ticket(OTHER_ORIGIN));
        }
        let grant = sealed.grant().ok_or(Refusal::Ticket(BAD_TICKET))?;
        let earlier = cookie.and_then(|cookie| sealer.open(cookie, SealedAs::Cookie));
        Ok(Ticket { grant, sealed, earlier })
    }

    /// Spends a ticket for the cookie with which the browser's own reconnects go on.
    pub(crate) async fn exchange(
        &self,
        Ticket { grant, sealed, earlier }: &Ticket,
        now: SystemTime,
    ) -> Result<Exchanged, Refusal> {
        let left = sealed.left(now);
        let forgotten = self.tickets.since().is_some_and(|since| sealed.is_of_before(since));
        if left.is_zero() || forgotten {
            return Ok(Exchanged::Before);
        }
        let spent = self.tickets.spend(&sealed.id, left).await;
        if !spent.map_err(|_cause| Refusal::Unavailable)? {
            return Ok(Exchanged::Before);
        }
        let sealer = self.sealer()?;
        let lasts = grant.expires_at().duration_since(now).unwrap_or_default();
        let merged = earlier.as_ref().and_then(|earlier| sealed.with(earlier));
        let merged = merged.and_then(|both| sealer.seal(&both, SealedAs::Cookie));
        let value = merged.or_else(|| sealer.seal(sealed, SealedAs::Cookie));
        Ok(Exchanged::For(value.and_then(|value| sealer.cookie(&value, lasts).parse().ok())))
    }

    fn sealer(&self) -> Result<&Sealer, Refusal> {
        self.config.sealer.as_ref().ok_or(Refusal::Ticket(NO_TICKETS))
    }
}

const BAD_TICKET: &str = "the ticket is none of this relay; get one with POST /tickets";
const USED_TICKET: &str = "the ticket was used or has ended, and no cookie came with it; get a new one with POST \
                           /tickets, and open the EventSource with withCredentials";
const OTHER_USER: &str = "the ticket was used, and the cookie that came with it is of another user; get a new one with \
                          POST /tickets";
const OTHER_ORIGIN: &str = "the ticket was made for a page of another origin";
const NO_TICKETS: &str = "this relay gives no tickets; set HOOKWIRE_TICKET_SECRET";
const BAD_COOKIE: &str = "the cookie is none of this relay; log in again";
const ENDED_COOKIE: &str =
    "the cookie has ended with the token that it was made from; log in again";

/// Whether a page of `bound` sent a request. A page of the relay's own origin sends no `Origin` when it only reads.
fn is_from(bound: &str, request: &Parts) -> bool {
    origin_of(&request.headers).map_or_else(|| is_own(bound, request), |origin| origin == bound)
}
