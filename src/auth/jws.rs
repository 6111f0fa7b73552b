//! Opening a signed token: its shape, its header and its signature. What it says is looked at afterwards, in `claims`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{TokenError, crypto, strict::Object};

/// The longest token that is looked at, in bytes. Source: the usual limit of web servers for one header line.
const TOKEN_MAX: usize = 8 << 10;
/// The longest `kid`, in bytes; identity providers use up to some 60.
const KID_MAX: usize = 256;
/// What would bring a key with it, or change what is signed: never followed.
const REFUSED: &[&str] = &["crit", "jwk", "jku", "x5u", "x5c", "enc", "zip", "b64"];

/// What a token says about its signature. Nothing of it is proved yet.
#[derive(Debug)]
pub struct Head {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
}

/// Opens `token` with the key that `pick` has for its header. The key decides: one that is not for the header's algorithm opens nothing.
///
/// # Errors
/// When it has not the shape of a token, asks for something that is not supported, or the signature is wrong.
pub fn open(token: &str, pick: impl FnOnce(&Head) -> Result<DecodingKey, TokenError>) -> Result<Map<String, Value>, TokenError> {
    crypto::ready()?;
    let head = head(token)?;
    let key = pick(&head)?;
    let mut validation = Validation::new(head.algorithm);
    // Times and names are compared afterwards, with the clock that was passed in.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<Object>(token, &key, &validation) {
        Ok(open) => Ok(open.claims.0),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat | ErrorKind::UnsupportedAlgorithm => TokenError::Algorithm,
            _ => TokenError::Malformed,
        }),
    }
}

/// Signs with our secret.
///
/// # Errors
/// When that is impossible, which only another cryptography in this place can cause.
pub fn sign(claims: &impl Serialize, key: &EncodingKey) -> Result<SecretString, TokenError> {
    crypto::ready()?;
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, key).map(SecretString::from).map_err(|_| TokenError::Provider)
}

fn head(token: &str) -> Result<Head, TokenError> {
    if token.len() > TOKEN_MAX {
        return Err(TokenError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(head), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let bytes = URL_SAFE_NO_PAD.decode(head).map_err(|_| TokenError::Malformed)?;
    let Object(head) = serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)?;
    if let Some(name) = REFUSED.iter().find(|name| head.contains_key(**name)) {
        return Err(TokenError::Header(name));
    }
    let text = |name: &'static str| match head.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(TokenError::Header(name)),
    };
    // A token for another purpose (a logout, a proof of possession) says so in its type. Source: RFC 8725, 3.11.
    if let Some(kind) = text("typ")? {
        let kind = kind.to_ascii_lowercase();
        if !["jwt", "at+jwt"].contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
            return Err(TokenError::Header("typ"));
        }
    }
    let algorithm = match text("alg")? {
        Some("HS256") => Algorithm::HS256,
        Some("RS256") => Algorithm::RS256,
        Some("ES256") => Algorithm::ES256,
        _ => return Err(TokenError::Algorithm),
    };
    if claims.is_empty() || signature.is_empty() {
        return Err(TokenError::Malformed);
    }
    let kid = text("kid")?.map(str::to_owned);
    if kid.as_ref().is_some_and(|kid| kid.len() > KID_MAX) {
        return Err(TokenError::Header("kid"));
    }
    Ok(Head { algorithm, kid })
}
