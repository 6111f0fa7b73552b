//! The signs themselves, the most specific first: a name before a connection, a connection before a failed request.

mod ci;
mod code;
mod databases;
mod dns;
mod network;
mod permissions;
mod resources;
mod settings;
mod symptoms;
mod tls;

use super::Sign;

/// In this order the first one that fits wins.
const GROUPS: &[&[Sign]] = &[
    dns::SIGNS,
    tls::SIGNS,
    resources::SIGNS,
    databases::SIGNS,
    settings::SIGNS,
    permissions::SIGNS,
    ci::SIGNS,
    network::SIGNS,
    code::SIGNS,
    symptoms::SIGNS,
];

pub fn signs() -> impl Iterator<Item = &'static Sign> {
    GROUPS.iter().copied().flatten()
}
