//! How a log line looks.

use std::io::{self, IsTerminal};

use crate::FromSetting;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text where a terminal shows it, else JSON: there a collector reads it.
    Auto,
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object per line, for a log collector.
    Json,
}

impl LogFormat {
    /// Whether lines are for people.
    pub(super) fn is_text(self) -> bool {
        match self {
            Self::Auto => io::stderr().is_terminal(),
            Self::Text => true,
            Self::Json => false,
        }
    }
}

impl FromSetting for LogFormat {
    const EXPECTS: &'static str = "auto, text or json";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(String::new()),
        }
    }
}
