use std::sync::Arc;
use std::time::SystemTime;

use hookwire_grant::Verifier;
use hookwire_http::{Bypass, ClientNet, Peer, TrustedHops};
use hookwire_state::{Limit, OpenStreams, Tickets};
use http::HeaderValue;
use http::request::Parts;

use crate::proof::{Exchanged, Proof};
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
    pub(crate) tickets: Arc<dyn Tickets>,
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
        // Whom the audit is told of, when the proof is good and something else is not.
        let mut who = None;
        let identified = match self.find(request, purpose, &mut who).await {
            Err(refusal) if refusal.is_failed_proof() && !self.is_bypassed(request) => {
                Err(self.count_failure(request, refusal).await)
            }
            identified => identified,
        };
        if let Err(refusal) = &identified {
            self.refused(refusal, who.as_ref(), request).await;
        }
        identified
    }

    async fn find(
        &self,
        request: &Parts,
        purpose: Purpose,
        who: &mut Option<Identity>,
    ) -> Result<Identified, Refusal> {
        let now = SystemTime::now();
        match self.proof(request, purpose, now).await? {
            Proof::Good(identity) => {
                *who = Some(identity.clone());
                self.admit(&identity, request).await?;
                Ok(Identified { identity, cookie: None })
            }
            Proof::Ticket(ticket) => {
                // Counted before it is spent, since whoever comes back later needs it then.
                let identity = Identity::User(ticket.grant.clone());
                *who = Some(identity.clone());
                self.admit(&identity, request).await?;
                match self.exchange(&ticket, now).await? {
                    Exchanged::For(cookie) => Ok(Identified { identity, cookie }),
                    Exchanged::Before => {
                        let identity = self.by_cookie_of(&ticket.grant, request, now).await?;
                        Ok(Identified { identity, cookie: None })
                    }
                }
            }
        }
    }

    /// Lets in who is not revoked and does not call too often.
    async fn admit(&self, identity: &Identity, request: &Parts) -> Result<(), Refusal> {
        if matches!(identity, Identity::Anybody) {
            return Ok(());
        }
        self.streams.up_to_date().await;
        if self.streams.is_revoked(&identity.holder()) {
            return Err(Refusal::Revoked);
        }
        if self.is_bypassed(request) {
            return Ok(());
        }
        let counted = self.config.users.take(&identity.subject()).await;
        counted.map(drop).map_err(Refusal::TooOften)
    }

    /// Tells the audit of a refusal.
    pub async fn refused(&self, refusal: &Refusal, who: Option<&Identity>, request: &Parts) {
        self.audit.refused(refusal, who, self.client(request)).await;
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
