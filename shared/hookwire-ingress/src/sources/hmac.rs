use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_event::Event;
use http::{HeaderMap, HeaderName};

use super::bearer::generic_event;
use crate::id_from::IdFrom;
use crate::proof_header::{check_fresh, only};
use crate::shared_secret::{Algorithm, SharedSecret};
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// Any sender that puts an HMAC of the body into a header.
#[derive(Debug)]
pub struct Hmac {
    /// Its secrets; several while one takes the place of another.
    pub secrets: Vec<SharedSecret>,
    /// Where its signature is.
    pub header: HeaderName,
    /// What stands in front of the signature, such as `sha256=`.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The hash inside the HMAC.
    pub algorithm: Algorithm,
    /// Without one a captured push can be replayed for ever; only its id then makes it a duplicate.
    pub timestamp: Option<SignedTimestamp>,
    /// Where its ids are.
    pub id: IdFrom,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// A time that is signed with the body, as `timestamp.body`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTimestamp {
    /// Where it is, in seconds since the Unix epoch.
    pub header: HeaderName,
    /// How far it may be from now.
    pub tolerance: Duration,
}

#[async_trait]
impl Source for Hmac {
    fn proof(&self) -> Proof {
        Proof::Body
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        self.signature(headers)?;
        self.signed_at(headers, now).map(|_text| ())
    }

    fn verify_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), Unproven> {
        let signature = self.signature(headers)?;
        let signed_at = self.signed_at(headers, now)?;
        let signed = match signed_at {
            Some(signed_at) => &[signed_at.as_bytes(), b".", body][..],
            None => &[body],
        };
        if !SharedSecret::any_signed(&self.secrets, self.algorithm, signed, &[signature]) {
            return Err(Unproven::WrongSecret);
        }
        Ok(())
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        self.id.reads(header)
    }

    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        generic_event(&self.id, config, notification)
    }
}

impl Hmac {
    fn signature(&self, headers: &HeaderMap) -> Result<Vec<u8>, Unproven> {
        let malformed = |reason| Unproven::Malformed { header: self.header.to_string(), reason };
        let text = only(headers, self.header.as_str())?.strip_prefix(&self.prefix);
        let text =
            text.ok_or_else(|| malformed("does not begin with the prefix of this source"))?;
        match self.encoding {
            Encoding::Hex => {
                hex::decode(text).map_err(|_where| malformed("is no hexadecimal text"))
            }
            Encoding::Base64 => STANDARD.decode(text).map_err(|_where| malformed("is no base64")),
        }
    }

    fn signed_at<'h>(
        &self,
        headers: &'h HeaderMap,
        now: SystemTime,
    ) -> Result<Option<&'h str>, Unproven> {
        let Some(SignedTimestamp { header, tolerance }) = &self.timestamp else { return Ok(None) };
        let text = only(headers, header.as_str())?;
        check_fresh(header.as_str(), text, *tolerance, now)?;
        Ok(Some(text))
    }
}
