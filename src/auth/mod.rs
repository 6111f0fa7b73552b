//! Who somebody is and what they may do: tokens, keys, sessions, roles, and permission checks that return a proof.
//!
//! Nothing here knows a web framework, an incident, or Slack beyond its sign-in. Time and randomness are passed in.

mod access;
mod api_key;
mod claims;
mod cookie;
mod crypto;
mod denied;
mod jwks;
mod jws;
mod jwt;
mod keyset;
mod limits;
pub mod oidc;
mod permissions;
mod policy;
mod principal;
mod roles;
pub mod session;
mod strict;
mod ticket;
mod token_error;
mod verifier;

#[cfg(test)]
mod tests;

pub use access::{Access, AccessConfig, Granted, Scope};
pub use api_key::{ApiKey, KeyError, StoredKey};
pub use cookie::Cookie;
pub use denied::Denied;
pub use jwks::{Jwks, JwksError};
pub use jwt::{Claims, DEFAULT_LIFETIME, Issuer, MAX_LIFETIME};
pub use keyset::{KeySet, KeySetError};
pub use limits::{RateLimits, Wait};
pub use permissions::{PERMISSIONS, is_known};
pub use policy::{Effect, Policy};
pub use principal::Principal;
pub use roles::Problem;
pub use ticket::{LIFETIME_SECONDS as TICKET_LIFETIME_SECONDS, Refused, Tickets};
pub use token_error::{TokenError, Whom};
pub use verifier::{ForeignTokens, Keys, OwnTokens, Verified, Verifier};
