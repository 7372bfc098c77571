use async_trait::async_trait;
use hookwire_redis::redis;
use hookwire_state::{Mark, Revocation, Revocations, Revoke, Unavailable};

use crate::{RedisState, keys, millis};

/// Most revocations in one page.
const PAGE: usize = 1_000;

/// An entry as it is stored: its id, which is the mark behind it, and its fields, each a name and a value.
type Entry = (String, Vec<Vec<u8>>);

#[async_trait]
impl Revocations for RedisState {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Unavailable> {
        let (of, name) = match &revocation.of {
            Revoke::Subject(subject) => (SUBJECT, subject),
            Revoke::Token(token) => (TOKEN, token),
        };
        let key = keys::revocations(self.redis.keys());
        let (kept_ms, at_ms) =
            (millis(self.longest_token).to_string(), revocation.at_ms.to_string());
        let arguments = [kept_ms.as_bytes(), of, name.as_bytes(), at_ms.as_bytes()];
        self.run(&self.scripts.revoke, &key, &arguments).await
    }

    async fn after(&self, mark: &Mark) -> Result<(Vec<Revocation>, Mark), Unavailable> {
        let entries = match is_ours(mark) {
            true => {
                let mut entries = self.entries(&mark.0).await?;
                match entries.first() {
                    Some((id, _)) if *id == mark.0 => {
                        entries.remove(0);
                        entries
                    }
                    // Redis has lost what was read before, and may have ids that are lower than the mark now.
                    _ => self.entries("-").await?,
                }
            }
            false => self.entries("-").await?,
        };
        let behind = entries.last().map_or_else(|| mark.0.clone(), |(id, _)| id.clone());
        Ok((entries.iter().filter_map(read).collect(), Mark(behind)))
    }
}

const SUBJECT: &[u8] = b"subject";
const TOKEN: &[u8] = b"token";

impl RedisState {
    /// Reads what was added, this id included.
    async fn entries(&self, from: &str) -> Result<Vec<Entry>, Unavailable> {
        let key = keys::revocations(self.redis.keys());
        let mut range = redis::cmd("XRANGE");
        range.arg(&key).arg(from).arg("+").arg("COUNT").arg(PAGE);
        self.ask(&range, &key).await
    }
}

/// Whether a mark is an id; one of another implementation is not, and neither is that of the beginning.
fn is_ours(mark: &Mark) -> bool {
    let is_number = |digits: &str| digits.parse::<u64>().is_ok();
    mark.0.split_once('-').is_some_and(|(ms, number)| is_number(ms) && is_number(number))
}

fn read((id, fields): &Entry) -> Option<Revocation> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(ToOwned::to_owned).ok();
    let revocation = match fields.as_slice() {
        [_, of, _, name, _, at_ms] => text(name).zip(text(at_ms)).and_then(|(name, at_ms)| {
            let of = match of.as_slice() {
                SUBJECT => Revoke::Subject(name),
                TOKEN => Revoke::Token(name),
                _ => return None,
            };
            Some(Revocation { of, at_ms: at_ms.parse().ok()? })
        }),
        _ => None,
    };
    if revocation.is_none() {
        tracing::error!(entry = %id, "a revocation in Redis cannot be read and is skipped");
    }
    revocation
}
