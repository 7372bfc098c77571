use crate::disk::Scratch;
use crate::redis::Redis;
use crate::server::Site;

/// A new log for a relay; what keeps it ends with this value.
#[derive(Debug)]
pub enum Backend {
    Memory,
    Fjall(Scratch),
    Redis(Redis),
}

impl Backend {
    pub fn fjall(site: &Site) -> anyhow::Result<Self> {
        Ok(Self::Fjall(Scratch::new(&site.folder, "log")?))
    }

    pub fn redis(site: &Site) -> anyhow::Result<Self> {
        Ok(Self::Redis(site.redis()?))
    }

    /// What `HOOKWIRE_LOG` says.
    pub fn address(&self) -> String {
        match self {
            Self::Memory => "memory:".to_owned(),
            Self::Fjall(folder) => format!("fjall:{}", folder.path().join("log").display()),
            Self::Redis(redis) => redis.url.clone(),
        }
    }
}
