use std::sync::Arc;
use std::time::SystemTime;

use hookwire_grant::{Grant, Verifier};
use hookwire_http::{Bypass, ClientNet, Peer, TrustedHops};
use hookwire_state::{Limit, OpenStreams, Tickets};
use http::HeaderValue;
use http::request::Parts;

use crate::credential::Credentials;
use crate::origin::{is_own, origin_of};
use crate::sealed::{Sealed, SealedAs, is_sealed};
use crate::{Audit, Identity, Origins, Refusal, Sealer};

/// What it takes to tell who a request comes from.
#[derive(Debug)]
pub struct AccessConfig {
    /// The keys; without them everybody is let in, and somebody else has to see to it that only this machine comes.
    pub verifier: Option<Verifier>,
    /// For tickets and the cookies that they become; without it there are none.
    pub sealer: Option<Sealer>,
    /// Pages that may use cookies.
    pub origins: Origins,
    /// Whether `?token=` is a proof: it ends up in the logs of whatever stands in front.
    pub query_tokens: bool,
    /// Proxies in front that are trusted to tell the client's address.
    pub trusted_hops: TrustedHops,
    /// Failed proofs per client.
    pub failures: Arc<Limit>,
    /// Requests per user.
    pub users: Limit,
    /// Whoever knows this is not limited.
    pub bypass: Option<Bypass>,
}

/// Tells who a request comes from.
#[derive(Debug)]
pub struct Access {
    pub(crate) config: AccessConfig,
    pub(crate) streams: Arc<OpenStreams>,
    tickets: Arc<dyn Tickets>,
    /// Where refusals and administrative acts are told.
    pub audit: Audit,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To follow, for which a ticket is good.
    Follow,
    /// To read.
    Read,
    /// To change something, for which a page that uses a cookie has to name its origin.
    Change,
}

/// Who a request comes from, and the cookie that a ticket was exchanged for.
#[derive(Debug)]
pub struct Identified {
    /// Who.
    pub identity: Identity,
    /// To be set in the answer.
    pub cookie: Option<HeaderValue>,
}

impl Access {
    /// Lets nobody in yet.
    #[must_use]
    pub fn new(config: AccessConfig, streams: Arc<OpenStreams>, tickets: Arc<dyn Tickets>) -> Self {
        Self { config, streams, tickets, audit: Audit::default() }
    }

    /// Whether anybody has to prove anything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.config.verifier.is_none()
    }

    /// The streams of users.
    #[must_use]
    pub fn streams(&self) -> &Arc<OpenStreams> {
        &self.streams
    }

    /// Finds out who a request comes from, and counts it.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], which the audit has been told of.
    pub async fn identify(&self, request: &Parts, purpose: Purpose) -> Result<Identified, Refusal> {
        let limited = !self.is_bypassed(request);
        let identified = match self.proven(request, purpose).await {
            Ok(identified) if limited => self.count_user(identified).await,
            Ok(identified) => Ok(identified),
            Err(refusal) if limited && refusal.is_failed_proof() => {
                Err(self.count_failure(request, refusal).await)
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &identified {
            self.refused(refusal, None, request).await;
        }
        identified
    }

    /// Tells the audit of a refusal.
    pub async fn refused(&self, refusal: &Refusal, who: Option<&Identity>, request: &Parts) {
        self.audit.refused(refusal, who, self.client(request)).await;
    }

    async fn proven(&self, request: &Parts, purpose: Purpose) -> Result<Identified, Refusal> {
        let Some(verifier) = &self.config.verifier else {
            return Ok(Identity::Anybody.into());
        };
        let now = SystemTime::now();
        let given = Credentials::of(request);
        let query_token = given.query_token.filter(|_| self.config.query_tokens);
        // A ticket is good for nothing but a stream.
        let ticket = given.ticket.filter(|_| purpose == Purpose::Follow);
        let identified = match (given.bearer, ticket, given.cookie, query_token) {
            (Some(token), ..) | (None, None, None, Some(token)) => {
                verifier.verify(&token, now).await?.into()
            }
            // Before the cookie: that may be another user's, who used this browser before. A ticket that was used already
            // is what every reconnect brings, and then the cookie counts.
            (None, Some(ticket), cookie, _) => {
                match (self.exchange(&ticket, cookie, request, now).await, cookie) {
                    (Err(Refusal::Ticket(_)), Some(cookie)) => {
                        self.by_cookie(verifier, cookie, request, purpose, now).await?
                    }
                    (exchanged, _) => exchanged?,
                }
            }
            (None, None, Some(cookie), _) => {
                self.by_cookie(verifier, cookie, request, purpose, now).await?
            }
            (None, None, None, None) => return Err(Refusal::Missing),
        };
        if self.streams.is_revoked(&identified.identity.holder()) {
            return Err(Refusal::Revoked);
        }
        Ok(identified)
    }

    async fn by_cookie(
        &self,
        verifier: &Verifier,
        cookie: &str,
        request: &Parts,
        purpose: Purpose,
        now: SystemTime,
    ) -> Result<Identified, Refusal> {
        let named = self.config.origins.allow(request);
        if !named.unwrap_or(purpose != Purpose::Change) {
            return Err(Refusal::ForeignOrigin);
        }
        if !is_sealed(cookie) {
            return Ok(verifier.verify(cookie, now).await?.into());
        }
        let sealed =
            self.config.sealer.as_ref().and_then(|sealer| sealer.open(cookie, SealedAs::Cookie));
        let grant = sealed.and_then(|sealed| sealed.grant()).ok_or(Refusal::Ticket(BAD_COOKIE))?;
        match grant.expires_at() > now {
            true => Ok(grant.into()),
            false => Err(Refusal::Ticket(ENDED_COOKIE)),
        }
    }

    /// Spends a ticket, for a grant and the cookie with which the browser's own reconnects go on.
    async fn exchange(
        &self,
        ticket: &str,
        cookie: Option<&str>,
        request: &Parts,
        now: SystemTime,
    ) -> Result<Identified, Refusal> {
        let sealer = self.config.sealer.as_ref().ok_or(Refusal::Ticket(NO_TICKETS))?;
        let mut sealed =
            sealer.open(ticket, SealedAs::Ticket).ok_or(Refusal::Ticket(BAD_TICKET))?;
        if sealed.left(now).is_zero() {
            return Err(Refusal::Ticket(USED_TICKET));
        }
        if sealed.origin.as_deref().is_some_and(|bound| !is_from(bound, request)) {
            return Err(Refusal::Ticket(OTHER_ORIGIN));
        }
        let grant = sealed.grant().ok_or(Refusal::Ticket(BAD_TICKET))?;
        let spent = self.tickets.spend(&sealed.id, sealed.left(now)).await;
        if !spent.map_err(|_cause| Refusal::Unavailable)? {
            return Err(Refusal::Ticket(USED_TICKET));
        }
        let before: Option<Sealed> =
            cookie.and_then(|cookie| sealer.open(cookie, SealedAs::Cookie));
        before.into_iter().for_each(|before| sealed.merge(before));
        let lasts = grant.expires_at().duration_since(now).unwrap_or_default();
        let cookie = sealer.seal(&sealed, SealedAs::Cookie);
        let cookie = cookie.and_then(|value| sealer.cookie(&value, lasts).parse().ok());
        Ok(Identified { identity: Identity::User(grant), cookie })
    }

    async fn count_user(&self, identified: Identified) -> Result<Identified, Refusal> {
        if matches!(identified.identity, Identity::Anybody) {
            return Ok(identified);
        }
        let counted = self.config.users.take(&identified.identity.subject()).await;
        counted.map(|_| identified).map_err(Refusal::TooOften)
    }

    /// A client that fails too often is told so, and not what was wrong.
    async fn count_failure(&self, request: &Parts, refusal: Refusal) -> Refusal {
        let Some(client) = self.client(request) else { return refusal };
        match self.config.failures.take(&client.0.to_string()).await {
            Ok(_) => refusal,
            Err(over) => Refusal::TooOften(over),
        }
    }

    fn client(&self, request: &Parts) -> Option<ClientNet> {
        let peer = request.extensions.get::<Peer>()?;
        Some(ClientNet::of(*peer, &request.headers, self.config.trusted_hops))
    }

    /// Whether a request is not limited.
    #[must_use]
    pub fn is_bypassed(&self, request: &Parts) -> bool {
        self.config.bypass.as_ref().is_some_and(|bypass| bypass.is_in(&request.headers))
    }
}

const BAD_TICKET: &str = "the ticket is none of this relay; get one with POST /tickets";
const USED_TICKET: &str = "the ticket was used or has ended, and no cookie came with it; get a new one with POST \
                           /tickets, and open the EventSource with withCredentials";
const OTHER_ORIGIN: &str = "the ticket was made for a page of another origin";
const NO_TICKETS: &str = "this relay gives no tickets; set HOOKWIRE_TICKET_SECRET";
const BAD_COOKIE: &str = "the cookie is none of this relay; log in again";
const ENDED_COOKIE: &str =
    "the cookie has ended with the token that it was made from; log in again";

/// Whether a page of `bound` sent a request. A page of the relay's own origin sends no `Origin` when it only reads.
fn is_from(bound: &str, request: &Parts) -> bool {
    origin_of(&request.headers).map_or_else(|| is_own(bound, request), |origin| origin == bound)
}

impl From<Identity> for Identified {
    fn from(identity: Identity) -> Self {
        Self { identity, cookie: None }
    }
}

impl From<Grant> for Identified {
    fn from(grant: Grant) -> Self {
        Identity::User(grant).into()
    }
}
