use hookwire_boot::FromSetting;
use percent_encoding::percent_decode_str;

/// `NAME=VALUE,NAME=VALUE`, as a W3C baggage is written.
#[derive(Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl FromSetting for Pairs {
    const EXPECTS: &'static str =
        "NAME=VALUE, and several of them with commas, values in percent-encoding";

    fn from_text(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let name = Some(name.trim()).filter(|name| !name.is_empty())?;
            Some((name.to_owned(), value.into_owned()))
        });
        pairs.collect::<Option<_>>().map(Self).ok_or_else(String::new)
    }
}
