//! Signed tokens, right and wrong ones: any header, any claims, any of the keys.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{self, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RsaEncoding,
    },
};
use serde_json::{Value, json};

use super::keys;

/// What a token is signed with.
pub enum Key {
    Rsa(Box<rsa::KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl Key {
    pub fn rsa(pem: &str) -> Self {
        Self::Rsa(Box::new(rsa::KeyPair::from_pkcs8(&der(pem)).unwrap()))
    }

    pub fn p256(pem: &str) -> Self {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(pem), &SystemRandom::new());
        Self::P256(Box::new(key.unwrap()))
    }

    /// As a key set shows it.
    pub fn public(&self, id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let parts = PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": text(parts.n), "e": text(parts.e)})
            }
            Self::P256(key) => {
                // One byte that says "not compressed", then both numbers.
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": id, "x": text(x), "y": text(y)})
            }
        }
    }

    /// The public part as PEM, as administrators hand it around.
    pub fn public_pem(&self) -> String {
        // The beginning of a SubjectPublicKeyInfo of these very kinds; lengths are those of 2048 bits and of P-256.
        let (head, key): (&[u8], &[u8]) = match self {
            Self::Rsa(key) => (
                &[
                    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 3, 0x82, 0x01, 0x0f,
                    0,
                ],
                key.public().as_ref(),
            ),
            Self::P256(key) => (
                &[
                    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
                    7, 3, 0x42, 0,
                ],
                key.public_key().as_ref(),
            ),
        };
        let base64 = BASE64_STANDARD.encode([head, key].concat());
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// Signs by what the header's `alg` says; a header that does not fit the key gets a signature of the key's own kind.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(key) => {
                let padding: &dyn RsaEncoding = match header["alg"].as_str() {
                    Some("RS384") => &RSA_PKCS1_SHA384,
                    Some("RS512") => &RSA_PKCS1_SHA512,
                    Some("PS256") => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::P256(key) => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", text(signature))
    }
}

fn der(pem: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap()
}

/// Base64 as tokens have it.
pub fn text(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", text(header.to_string()), text(claims.to_string()))
}

/// `alg: none` in the given spelling, and no signature.
pub fn unsigned(spelling: &str, claims: &Value) -> String {
    format!("{}.", message(&json!({"alg": spelling, "typ": "JWT"}), claims))
}

/// HS256 with any secret, such as a public key's PEM.
pub fn symmetric(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", text(tag))
}

/// The same token with other claims under the old signature.
pub fn tampered(token: &str, claims: &Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], text(claims.to_string()), parts[2])
}

/// One generation of a provider's keys.
pub struct Generation {
    pub number: usize,
    pub rsa: Key,
    pub p256: Key,
}

impl Generation {
    /// The first generation is 1; there are two, which alternate.
    pub fn new(number: usize) -> Self {
        let (rsa, p256) = if number % 2 == 1 { (keys::RSA_FIRST, keys::EC_FIRST) } else { (keys::RSA_SECOND, keys::EC_SECOND) };
        Self { number, rsa: Key::rsa(rsa), p256: Key::p256(p256) }
    }

    pub fn rsa_id(&self) -> String {
        format!("rsa-{}", self.number)
    }

    pub fn p256_id(&self) -> String {
        format!("ec-{}", self.number)
    }

    pub fn public(&self) -> Vec<Value> {
        vec![self.rsa.public(&self.rsa_id()), self.p256.public(&self.p256_id())]
    }
}
