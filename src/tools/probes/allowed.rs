//! Which addresses may be tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that are tried although they are of this machine; for tests and for sidecars.
#[derive(Debug, Clone, Default)]
pub struct Allowed(pub Vec<IpAddr>);

/// Metadata services that lie outside of the link-local networks. Source: the providers' documentation (Alibaba, AWS over IPv6, Oracle).
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

impl Allowed {
    /// Whether a probe may go to `address`.
    pub fn may(&self, address: IpAddr) -> bool {
        if self.0.contains(&address) {
            return true;
        }
        // `::ffff:169.254.169.254` is the address inside of it.
        let address = address.to_canonical();
        let forbidden = match address {
            IpAddr::V4(v4) => {
                v4.is_loopback()
                    || v4.is_link_local()
                    || v4.is_unspecified()
                    || v4.is_broadcast()
                    || v4.is_multicast()
                    || v4.octets().first() == Some(&0)
            }
            IpAddr::V6(v6) => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unicast_link_local()
                    || embedded(v6).is_some_and(|inner| !self.may(IpAddr::V4(inner)))
            }
        };
        !forbidden && !METADATA.contains(&address)
    }
}

/// The IPv4 address that NAT64 or 6to4 would deliver to.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, [c, d, e, f]) {
        (0x64, 0xff9b, [0, 0, 0, 0]) => Some(from(g, h)),
        (0x2002, high, [low, ..]) => Some(from(high, low)),
        (0, 0, [0, 0, 0, 0]) if g != 0 => Some(from(g, h)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_the_link_and_metadata_services_are_refused_in_every_spelling() {
        let allowed = Allowed::default();
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ] {
            assert!(!allowed.may(address.parse().unwrap()), "{address}");
        }
        for address in ["10.0.0.5", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd12:3456::1"] {
            assert!(allowed.may(address.parse().unwrap()), "{address}");
        }
        assert!(Allowed(vec!["127.0.0.1".parse().unwrap()]).may("127.0.0.1".parse().unwrap()));
    }
}
