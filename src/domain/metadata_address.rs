//! The instance-metadata services of clouds. They give credentials to every caller, so webhooks never
//! call them (`docs/architecture.md#participants`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names of the services.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// Addresses outside the link-local range.
const METADATA_IPV4: [Ipv4Addr; 2] = [
    // Alibaba Cloud.
    Ipv4Addr::new(100, 100, 100, 200),
    // Azure.
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The service of AWS in IPv6.
const METADATA_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Returns whether the host of a URL, a name or an address, is a metadata service.
pub(crate) fn is_metadata_host(host: &str) -> bool {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase();
    match host.parse() {
        Ok(address) => is_metadata_address(address),
        Err(_) => METADATA_NAMES.contains(&&*host),
    }
}

/// Returns whether an address is that of a metadata service. All link-local IPv4 addresses count.
pub(crate) fn is_metadata_address(address: IpAddr) -> bool {
    let ipv4 = match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(address) if address == METADATA_IPV6 => return true,
        IpAddr::V6(address) => unwrap_ipv4(address),
    };
    ipv4.is_some_and(|address| address.is_link_local() || METADATA_IPV4.contains(&address))
}

/// Returns the IPv4 address to which an IPv6 address leads: mapped or compatible (RFC 4291 §2.5.5),
/// 6to4 (RFC 3056 §2) or translated (RFC 6052 §2.1, RFC 8215).
fn unwrap_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0 | 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_metadata_host;

    #[test]
    fn a_metadata_service_is_known_in_every_form() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "Metadata.google.internal.",
        ] {
            assert!(is_metadata_host(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::]",
            "0.0.0.0",
            "192.168.1.1",
            "[fe80::1]",
            "example.com",
        ] {
            assert!(!is_metadata_host(host), "{host}");
        }
    }
}
