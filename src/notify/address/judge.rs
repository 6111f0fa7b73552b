//! What an IP address stands for, in whatever form it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads, from harmless to never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Public,
    /// A network of one's own, or of the provider's.
    Private,
    Here,
    Link,
    Metadata,
    /// No single machine: multicast, broadcast, reserved.
    Nowhere,
}

impl Reach {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "an address in a private network",
            Self::Here => "this machine",
            Self::Link => "a link-local address",
            Self::Metadata => "a metadata service",
            Self::Nowhere => "no address of a single machine",
        }
    }
}

/// Metadata services. Source: the providers' documentation (AWS, Google and Azure; Alibaba, Oracle, Azure's wire server, AWS over IPv6).
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Where `address` leads.
pub(super) fn reach(address: IpAddr) -> Reach {
    // `::ffff:169.254.169.254` is the address inside of it.
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Reach::Metadata;
    }
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

/// Source: IANA's registry of special-purpose IPv4 addresses.
fn reach_v4(v4: Ipv4Addr) -> Reach {
    let [a, b, c, _] = v4.octets();
    match (a, b, c) {
        // Linux connects 0.0.0.0 to this machine.
        (0, ..) | (127, ..) => Reach::Here,
        (169, 254, _) => Reach::Link,
        // Multicast, reserved, broadcast.
        (224.., ..) => Reach::Nowhere,
        // Private use, carrier-grade NAT, protocol assignments, benchmarks.
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) => Reach::Private,
        _ => Reach::Public,
    }
}

/// Source: IANA's registry of special-purpose IPv6 addresses.
fn reach_v6(v6: Ipv6Addr) -> Reach {
    if v6.is_loopback() || v6.is_unspecified() {
        return Reach::Here;
    }
    if v6.is_multicast() {
        return Reach::Nowhere;
    }
    if v6.is_unicast_link_local() {
        return Reach::Link;
    }
    let [first, second, third, ..] = v6.segments();
    let own = match (first, second, third) {
        // Teredo hides the address of the machine behind it; nobody receives webhooks there.
        (0x2001, 0, _) => Reach::Nowhere,
        // The block set aside for discarding.
        (0x100, 0, 0) => Reach::Nowhere,
        // Unique local, and site-local from before it.
        (0xfc00..=0xfdff | 0xfec0..=0xfeff, ..) => Reach::Private,
        // NAT64 of one's own network (RFC 8215).
        (0x64, 0xff9b, 1) => Reach::Private,
        _ => Reach::Public,
    };
    // An address inside can only make it worse.
    embedded(v6).map_or(own, |inner| own.max(reach(IpAddr::V4(inner))))
}

/// The IPv4 address that NAT64, 6to4, SIIT, ISATAP or an IPv4-compatible form would deliver to.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, [c, d, e, f]) {
        (0x64, 0xff9b, [0, 0, 0, 0] | [1, ..]) => Some(from(g, h)),
        (0x2002, high, [low, ..]) => Some(from(high, low)),
        (0, 0, [0, 0, 0xffff, 0] | [0, 0, 0, 0]) => Some(from(g, h)),
        (.., [_, _, 0 | 0x200, 0x5efe]) => Some(from(g, h)),
        _ => None,
    }
}
