//! Who may be called: the hosts that the operator named, and which addresses stand behind a name.
//!
//! The URL of a callback comes from whoever uploads. Without these rules the server would carry
//! requests into networks that the uploader cannot reach.

use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name that leads to this machine itself.
const LOCALHOST: &str = "localhost";

/// A host that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// As URLs write it: lower case, addresses of version 6 in brackets.
    name: String,
    /// `None`: the one that belongs to the URL's scheme.
    port: Option<u16>,
}

impl Host {
    /// Reads `HOST` or `HOST:PORT`; a host is a name or an address.
    ///
    /// # Errors
    /// In words, for anything else.
    pub fn parse(text: &str) -> Result<Host, String> {
        let wrong = || "must be a host such as app.example.com, 10.0.0.7:8080 or [::1]:8080".to_owned();
        let (host, port) = match (text.parse::<Ipv6Addr>(), text.rsplit_once(':')) {
            (Ok(address), _) => (format!("[{address}]"), None),
            (_, Some((host, port))) if !text.ends_with(']') => (host.to_owned(), Some(port)),
            _ => (text.to_owned(), None),
        };
        let strange = host.contains(['*', ',', '@', '/', '\\', '?', '#', '%', ' ']);
        if strange || (host.contains(':') && !(host.starts_with('[') && host.ends_with(']'))) {
            return Err(wrong());
        }
        let port = match port.map(str::parse) {
            None => None,
            Some(Ok(port)) if port != 0 => Some(port),
            Some(_) => return Err(wrong()),
        };
        let url = Url::parse(&format!("http://{host}/")).map_err(|_| wrong())?;
        match url.host_str() {
            Some(name) => Ok(Host { name: name.to_owned(), port }),
            None => Err(wrong()),
        }
    }

    /// Whether this is where `url` leads.
    pub fn permits(&self, url: &Url) -> bool {
        let of_scheme = if url.scheme() == "https" { 443 } else { 80 };
        url.host_str() == Some(&self.name) && url.port_or_known_default() == Some(self.port.unwrap_or(of_scheme))
    }
}

/// Whether a call to the host called `name`, which is no address, may go to `address`. Addresses of
/// private networks and of this machine are reached only by those who name them; `localhost` names
/// the latter.
pub fn may_stand_for(name: &str, address: IpAddr) -> bool {
    if name.eq_ignore_ascii_case(LOCALHOST) { address.to_canonical().is_loopback() } else { is_public(address) }
}

/// Whether everybody on the internet means the same machine by this address. Source: the registries
/// of special-purpose addresses of RFC 6890.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.segments() {
            // NAT64: the address of version 4 that it stands for.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            }
            // Protocol assignments with Teredo, documentation, 6to4.
            [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
            [0x2002, ..] => false,
            [first, second, ..] => first & 0xe000 == 0x2000 && !(first == 0x3fff && second < 0x1000),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, shared between providers' customers, protocol assignments, benchmarks.
        [0, ..] | [192, 0, 0, _] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [198, second, ..] if second & 0xfe == 18 => true,
        // Reserved, and broadcast.
        [first, ..] => first >= 240,
    };
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(host: &str, url: &str) -> bool {
        Host::parse(host).unwrap().permits(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_host_is_its_name_and_its_port() {
        for (host, url) in [
            ("app.example.com", "http://app.example.com/x?y"),
            ("app.example.com", "https://APP.example.com:443/"),
            ("App.Example.com:8080", "http://app.example.com:8080"),
            ("app.example.com:443", "https://app.example.com"),
            ("10.0.0.7", "http://10.0.0.7/"),
            ("10.0.0.7", "http://0x0a.7/"),
            ("::1", "http://[::1]/"),
            ("[0:0::1]:81", "http://[::1]:81/"),
            ("食.example", "http://食.example/"),
        ] {
            assert!(permits(host, url), "{host} {url}");
        }
        for (host, url) in [
            ("app.example.com", "http://app.example.com:8080/"),
            ("app.example.com", "http://app.example.com:443/"),
            ("app.example.com:8080", "http://app.example.com/"),
            ("app.example.com:80", "https://app.example.com/"),
            ("app.example.com", "http://app.example.com@evil.example/"),
            ("app.example.com", "http://app.example.com.evil.example/"),
            ("app.example.com", "http://sub.app.example.com/"),
            ("example.com", "http://example.com./"),
            ("127.0.0.1", "http://localhost/"),
            ("localhost", "http://127.0.0.1/"),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ] {
            assert!(!permits(host, url), "{host} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.example.com",
            "http://example.com",
            "example.com/",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:http",
            "user@example.com",
            "a b",
            "1.2.3.256",
            "[::1",
            "a:80:80",
            "[::1]:80:80",
            "a,b",
        ] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.9.10",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!may_stand_for("app.example.com", text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:200::1",
            "2400:3200::1",
            "2606:4700::1111",
            "3fff:1000::1",
        ] {
            assert!(may_stand_for("app.example.com", text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn localhost_is_this_machine_and_nothing_else() {
        for (text, may) in [("127.0.0.1", true), ("::1", true), ("10.0.0.1", false), ("1.1.1.1", false)] {
            assert_eq!(may_stand_for("LocalHost", text.parse().unwrap()), may, "{text}");
        }
    }
}
