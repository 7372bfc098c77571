//! What a setting's text can be turned into.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A type that can be read from the text of a setting.
pub trait FromSetting: Sized {
    /// What the text should be, as it follows "expects": `an IP address and a port`.
    const EXPECTS: &'static str;

    /// Reads the text.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, without repeating it, since it may be a secret; empty if [`Self::EXPECTS`] says
    /// enough.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromSetting for String {
    const EXPECTS: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromSetting for PathBuf {
    const EXPECTS: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl FromSetting for bool {
    const EXPECTS: &'static str = "true or false";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "on" => Ok(true),
            "false" | "0" | "off" => Ok(false),
            _ => Err(String::new()),
        }
    }
}

impl FromSetting for SocketAddr {
    const EXPECTS: &'static str = "an IP address and a port";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        let reason = match text.rsplit_once(':').map(|(host, _)| host) {
            None => "the address or the port is missing",
            Some("") => "0.0.0.0 stands for every address of this machine",
            Some(host) if host.contains(':') && !host.starts_with('[') => {
                "an IPv6 address stands in brackets"
            }
            Some(host) if host.contains(char::is_alphabetic) => "names are not looked up",
            Some(_) => "",
        };
        Err(reason.to_owned())
    }
}

/// Reads a whole number whose type ends at `largest`.
fn whole<T: FromStr>(text: &str, largest: &str) -> Result<T, String> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let too_large = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Err(if too_large { format!("the largest is {largest}") } else { String::new() })
}

macro_rules! from_whole_number {
    ($($number:ty),*) => {$(
        impl FromSetting for $number {
            const EXPECTS: &'static str = "a whole number";

            fn from_text(text: &str) -> Result<Self, String> {
                whole(text, &Self::MAX.to_string())
            }
        }
    )*};
}

from_whole_number!(u32, u64, usize);

impl FromSetting for f64 {
    const EXPECTS: &'static str = "a number";

    fn from_text(text: &str) -> Result<Self, String> {
        text.trim().parse().map_err(|_says_nothing_more| String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_in_every_common_spelling() {
        for text in ["true", "1", "on", "TRUE", " On "] {
            assert_eq!(bool::from_text(text), Ok(true), "{text}");
        }
        for text in ["false", "0", "off", "False"] {
            assert_eq!(bool::from_text(text), Ok(false), "{text}");
        }
        for text in ["yes", "2", "", "truee"] {
            assert!(bool::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_say_where_they_end() {
        assert_eq!(u32::from_text("4294967295"), Ok(u32::MAX));
        assert_eq!(u32::from_text("4294967296"), Err("the largest is 4294967295".to_owned()));
        assert_eq!(u64::from_text("18446744073709551615"), Ok(u64::MAX));
        for text in ["-1", "1.5", "ten", "", "0x10"] {
            assert_eq!(usize::from_text(text), Err(String::new()), "{text}");
        }
    }

    #[test]
    fn addresses_say_which_part_is_wrong() {
        assert!(SocketAddr::from_text("127.0.0.1:8080").is_ok());
        assert!(SocketAddr::from_text("[::1]:8080").is_ok());
        let cases = [
            ("8080", "or the port is missing"),
            ("127.0.0.1", "or the port is missing"),
            (":8080", "0.0.0.0"),
            ("::1:8080x", "brackets"),
            ("localhost:8080", "not looked up"),
            ("127.0.0.1:99999", ""),
        ];
        for (text, hint) in cases {
            let reason = SocketAddr::from_text(text).unwrap_err();
            assert!(reason.contains(hint), "{text}: {reason}");
            assert_eq!(reason.is_empty(), hint.is_empty(), "{text}: {reason}");
        }
    }
}
