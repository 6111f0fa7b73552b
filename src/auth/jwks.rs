//! Public keys of an identity provider: RSA from 2048 bits on and P-256, for signatures. Everything else in such a set is left out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::strict::Object;

/// Keys in a set; providers publish two to ten.
const KEYS_MAX: usize = 64;
/// The smallest and the largest RSA key, in bits. Source: NIST SP 800-131A for the one, what `ring` verifies for the other.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// A coordinate on P-256, in bytes.
const COORDINATE: usize = 32;

/// Why a set of keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    #[error("is no set of keys: `{{\"keys\": [...]}}` is wanted")]
    Malformed,
    #[error("holds more than 64 keys")]
    TooMany,
    #[error("holds no key that can be used: RSA from 2048 bits on, or EC on P-256, for signatures")]
    Empty,
}

/// A set of public keys.
#[derive(Debug, Clone, Default)]
pub struct Jwks(Vec<PublicKey>);

#[derive(Debug, Clone)]
struct PublicKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwks {
    /// Reads `{"keys": [...]}`.
    ///
    /// # Errors
    /// When it is something else, holds too many keys, or none that can be used.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        let Object(set) = serde_json::from_slice(json).map_err(|_| JwksError::Malformed)?;
        let Some(Value::Array(keys)) = set.get("keys") else { return Err(JwksError::Malformed) };
        if keys.len() > KEYS_MAX {
            return Err(JwksError::TooMany);
        }
        let keys: Vec<PublicKey> = keys.iter().filter_map(Value::as_object).filter_map(public_key).collect();
        if keys.is_empty() { Err(JwksError::Empty) } else { Ok(Self(keys)) }
    }

    /// The key for a header. A header without `kid` has a key only where there is no choice.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid));
        let first = fitting.next()?;
        if kid.is_none() && fitting.next().is_some() { None } else { Some(&first.key) }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn public_key(jwk: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (algorithm, key) = match text("kty")? {
        "RSA" => (Algorithm::RS256, rsa(&bytes("n")?, &bytes("e")?)?),
        "EC" if text("crv") == Some("P-256") => (Algorithm::ES256, ec(&bytes("x")?, &bytes("y")?)?),
        _ => return None,
    };
    let named = if algorithm == Algorithm::RS256 { "RS256" } else { "ES256" };
    if text("alg").is_some_and(|stated| stated != named) {
        return None;
    }
    Some(PublicKey { kid: text("kid").map(str::to_owned), algorithm, key })
}

fn rsa(n: &[u8], e: &[u8]) -> Option<DecodingKey> {
    // Some providers put a zero before the number, as in DER.
    let (n, e) = (trimmed(n), trimmed(e));
    let bits = (n.len() * 8).checked_sub(n.first()?.leading_zeros() as usize)?;
    // An even number is no exponent, and 1 would make every signature right.
    let exponent = e.len() <= 4 && e != [1] && e.last().is_some_and(|last| last % 2 == 1);
    (RSA_BITS.contains(&bits) && exponent).then(|| DecodingKey::from_rsa_raw_components(n, e))
}

fn ec(x: &[u8], y: &[u8]) -> Option<DecodingKey> {
    if x.len() != COORDINATE || y.len() != COORDINATE {
        return None;
    }
    // 4: both coordinates follow. Whether the point lies on the curve is checked with each signature.
    Some(DecodingKey::from_ec_der(&[&[4], x, y].concat()))
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
