//! Secrets keep their keys and lose their values before anything else sees them; of a certificate its public facts stay.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use x509_parser::{
    pem::Pem,
    prelude::{FromDer, GeneralName, X509Certificate},
};

/// Where the facts of a Secret's certificates are put, by the key that holds them.
pub const CERTIFICATES: &str = "x-certificates";
/// A larger value is no certificate.
const LARGEST: usize = 256 << 10;
/// How many certificates of one chain, and how many names of one certificate are kept.
const CHAIN: usize = 8;
const NAMES: usize = 100;

/// Takes the values out of a Secret's body.
pub fn close(body: &mut Value) {
    let mut certificates = Map::new();
    for (field, encoded) in [("data", true), ("stringData", false)] {
        let Some(data) = body.get_mut(field).and_then(Value::as_object_mut) else { continue };
        for (key, value) in data {
            let text = value.as_str().unwrap_or("");
            if (key.ends_with(".crt") || key.ends_with(".pem") || key.ends_with(".cert")) && text.len() <= LARGEST {
                let raw = if encoded { BASE64_STANDARD.decode(text.trim()).unwrap_or_default() } else { text.as_bytes().to_vec() };
                let chain = chain(&raw);
                if !chain.is_empty() {
                    certificates.insert(key.clone(), Value::Array(chain));
                }
            }
            *value = Value::from("");
        }
    }
    // `kubectl apply` keeps a copy of everything in an annotation
    if let Some(annotations) = body.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    if let Some(body) = body.as_object_mut().filter(|_| !certificates.is_empty()) {
        body.insert(CERTIFICATES.to_owned(), Value::Object(certificates));
    }
}

/// The facts of every certificate of a PEM file.
fn chain(pem: &[u8]) -> Vec<Value> {
    let blocks = Pem::iter_from_buffer(pem).filter_map(Result::ok).filter(|block| block.label == "CERTIFICATE");
    blocks.take(CHAIN).filter_map(|block| facts(&block.contents)).collect()
}

fn facts(der: &[u8]) -> Option<Value> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).map(str::to_owned);
    let mut names: Vec<String> = names.take(NAMES).collect();
    if names.is_empty() {
        names.extend(common.take(1));
    }
    let validity = certificate.validity();
    let instant = |seconds: i64| jiff::Timestamp::from_second(seconds).ok().map(|stamp| stamp.to_string());
    Some(json!({
        "names": names,
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "notBefore": instant(validity.not_before.timestamp()),
        "notAfter": instant(validity.not_after.timestamp()),
    }))
}
