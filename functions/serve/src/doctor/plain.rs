/// What is wrong with a certificate, or a connection, in plain words, and what to do.
pub(super) fn plain(cause: &str) -> Option<(&'static str, &'static str)> {
    let cause = cause.to_ascii_lowercase();
    let of = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if of(&["certificate expired", "certexpired"]) {
        return Some((
            "its certificate has expired, or this machine's clock is ahead: ",
            "set the clock by NTP, or have its owner renew the certificate",
        ));
    }
    if of(&["not valid yet", "notvalidyet"]) {
        return Some((
            "its certificate is not valid yet, or this machine's clock is behind: ",
            "set the clock by NTP",
        ));
    }
    if of(&["unknownissuer", "unknown issuer", "selfsigned", "self-signed", "self signed"]) {
        return Some((
            "nobody whom this machine trusts has signed its certificate: ",
            "install the authority that did (`ca-certificates`), and see whether something on the way reads along",
        ));
    }
    if of(&["notvalidforname", "not valid for name"]) {
        return Some((
            "its certificate is that of another name: ",
            "check the address, and whether its name leads to the right server",
        ));
    }
    if of(&["wrongpass", "noauth", "authenticationfailed", "password authentication failed"]) {
        return Some((
            "it does not know the user or the password: ",
            "set the password that it has (`redis_password`, or the address in `log`)",
        ));
    }
    if of(&["dns error", "lookup address"]) {
        return Some((
            "its name is not known here: ",
            "check the address, and the name servers of this machine",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_plain_words() {
        for (cause, said) in [
            ("invalid peer certificate: certificate expired: verification time 1", "has expired"),
            ("invalid peer certificate: certificate not valid yet: x", "not valid yet"),
            ("invalid peer certificate: UnknownIssuer", "nobody whom this machine trusts"),
            ("invalid peer certificate: certificate not valid for name \"a\"", "another name"),
            ("\"WRONGPASS\": invalid username-password pair", "the user or the password"),
            ("dns error: failed to lookup address information", "not known here"),
        ] {
            assert!(plain(cause).unwrap().0.contains(said), "{cause}");
        }
        assert_eq!(plain("connection refused"), None);
    }
}
