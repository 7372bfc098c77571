/// What tracing systems add to a `traceparent` for themselves: W3C `tracestate`, passed on as it came.
///
/// Source: <https://www.w3.org/TR/trace-context/#tracestate-header>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState(Box<str>);

impl TraceState {
    /// Most bytes that are passed on; what is too much is left out from the end. The standard asks for so many.
    const MAX_BYTES: usize = 512;
    const MAX_MEMBERS: usize = 32;

    /// Reads the members of a list; nothing when there are none, or one that is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let members: Vec<&str> = members.filter(|member| !member.is_empty()).collect();
        if members.len() > Self::MAX_MEMBERS || !members.iter().all(|member| is_member(member)) {
            return None;
        }
        let mut kept = String::new();
        for member in members {
            let comma = usize::from(!kept.is_empty());
            if kept.len() + comma + member.len() > Self::MAX_BYTES {
                break;
            }
            kept.extend([if comma == 1 { "," } else { "" }, member]);
        }
        (!kept.is_empty()).then(|| Self(kept.into()))
    }

    /// The list.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let in_key =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let begins = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_key = begins && key.len() <= 256 && key.bytes().all(in_key);
    let in_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b',' && byte != b'=';
    is_key && (1..=256).contains(&value.len()) && value.bytes().all(in_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        TraceState::parse(text).map(|state| state.as_str().to_owned())
    }

    #[test]
    fn a_list_is_passed_on_without_what_is_empty_in_it() {
        let list = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,tenant@vendor=a:b c";
        assert_eq!(parsed(list).as_deref(), Some(list));
        assert_eq!(parsed(" a=1 ,\t, b=2,").as_deref(), Some("a=1,b=2"));
        assert_eq!(parsed(" , "), None);
    }

    #[test]
    fn a_malformed_list_is_left_out_whole() {
        let many = vec!["a=1"; 33].join(",");
        let long = format!("a={}", "x".repeat(257));
        for text in ["a", "=1", "a=", "A=1", "a=1=2", "a=ü", "a=\u{1}", "a b=1", &many, &long] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_left_out_from_the_end() {
        let member = |key: &str| format!("{key}={}", "x".repeat(200));
        let list = [member("a"), member("b"), member("c")];
        assert_eq!(parsed(&list.join(",")), Some(list[..2].join(",")));
    }
}
