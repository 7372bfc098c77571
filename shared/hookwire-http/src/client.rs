use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderValue};

/// The address at the other end of the socket; the listener puts it into every request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How many proxies in front of the relay are trusted to append to `X-Forwarded-For`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrustedHops(pub usize);

/// What a limit per client counts: an IPv4 address, or the /64 that one IPv6 customer has at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNet(pub IpAddr);

impl ClientNet {
    /// Finds whom a request comes from.
    ///
    /// `X-Forwarded-For` counts from the right, where our own proxies wrote: its left end is whatever the client
    /// made up. With fewer entries than trusted hops a proxy was passed by, and the socket's address stands.
    #[must_use]
    pub fn of(peer: Peer, headers: &HeaderMap, trusted: TrustedHops) -> Self {
        let forwarded = trusted.0.checked_sub(1).and_then(|skip| forwarded(headers, skip));
        Self(network(forwarded.unwrap_or(peer.0.ip())))
    }
}

impl From<Peer> for ClientNet {
    /// The socket's address, whoever the proxy behind it speaks for.
    fn from(peer: Peer) -> Self {
        Self(network(peer.0.ip()))
    }
}

/// Reads only the entry that counts: what stands left of it, the client may have filled with anything.
fn forwarded(headers: &HeaderMap, skip: usize) -> Option<IpAddr> {
    let lines: Vec<&[u8]> =
        headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    let hop = std::str::from_utf8(hops.nth(skip)?).ok()?.trim();
    let bare = hop.parse::<IpAddr>().ok();
    bare.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wrote_does_not_hide_what_the_proxy_appended() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff\xfe, 1.1.1.1").unwrap());
        let peer = Peer(SocketAddr::new("10.0.0.1".parse().unwrap(), 1));
        assert_eq!(ClientNet::of(peer, &headers, TrustedHops(1)).0.to_string(), "1.1.1.1");
    }

    fn client(peer: &str, forwarded: &[&'static str], hops: usize) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 1));
        ClientNet::of(peer, &headers, TrustedHops(hops)).0.to_string()
    }

    #[test]
    fn a_made_up_header_counts_for_nothing() {
        assert_eq!(client("10.0.0.1", &["1.1.1.1"], 0), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "2.2.2.2, 1.1.1.1"], 2), "2.2.2.2");
        assert_eq!(client("10.0.0.1", &["1.1.1.1"], 2), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["unknown"], 1), "10.0.0.1");
    }

    #[test]
    fn one_customer_of_ipv6_is_one_client() {
        assert_eq!(client("2001:db8:1:2:3:4:5:6", &[], 0), "2001:db8:1:2::");
        assert_eq!(client("::ffff:9.9.9.9", &[], 0), "9.9.9.9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"], 1), "2001:db8::");
    }
}
