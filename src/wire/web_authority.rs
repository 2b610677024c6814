//! The host and the origin that a browser names: `Host` (RFC 9110, section 7.2) and `Origin` (RFC 6454).

use std::net::{Ipv4Addr, Ipv6Addr};

/// Host and port of a URL or a `Host` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    /// In lower case; an IPv6 address is in brackets.
    pub host: String,
    pub port: Option<u16>,
}

/// Scheme, host and port of a web page (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub scheme: String,
    pub host: String,
    pub port: u16,
}

impl Authority {
    /// Parses a host name, an IPv4 address or an IPv6 address in brackets, with an optional port.
    /// User names are no part of it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end);
        let port = match rest.strip_prefix(':') {
            // A port may be empty (RFC 3986, section 3.2.3).
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if rest.is_empty() => None,
            _ => return None,
        };
        let is_host = match host.strip_prefix('[') {
            Some(address) => {
                let address = address.trim_end_matches(']');
                // RFC 6874: `%25` separates the zone.
                let address = address.split('%').next().unwrap_or(address);
                address.parse::<Ipv6Addr>().is_ok()
            }
            None => {
                !host.is_empty()
                    && host.bytes().all(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
                    })
            }
        };
        is_host.then(|| Self {
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// Returns whether a page of another site cannot have this name: nobody else can make an address, a name without
    /// a dot or a local name resolve to this machine.
    pub(crate) fn is_local(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        let is_address = self.host.starts_with('[') || self.host.parse::<Ipv4Addr>().is_ok();
        is_address
            || !self.host.contains('.')
            || name == "localhost"
            || name.ends_with(".localhost")
            || name == "host.docker.internal"
    }
}

impl Origin {
    /// Parses an `http` or `https` origin; `null` and other schemes give `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match &*scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let Authority { host, port } = Authority::parse(authority)?;
        Some(Self {
            scheme,
            host,
            port: port.unwrap_or(default_port),
        })
    }

    pub(crate) fn to_url(&self) -> String {
        let Self { scheme, host, port } = self;
        if matches!((&**scheme, port), ("http", 80) | ("https", 443)) {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        }
    }
}
