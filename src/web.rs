//! The HTTP client that every outgoing call uses: our own root certificates, a timeout, no redirects, the configured proxy.

mod proxy;

use std::{sync::Arc, time::Duration};

pub use proxy::Proxy;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// A client whose calls take at most `timeout` and go through `proxy` where that applies.
///
/// # Errors
/// When it cannot be built.
pub fn client(timeout: Duration, proxy: Option<&Proxy>) -> Result<reqwest::Client, String> {
    client_trusting(timeout, proxy, None)
}

/// As [`client`], trusting the certificates of `ca` (PEM) beside the usual ones.
///
/// # Errors
/// When there is no certificate in it, or the client cannot be built.
pub fn client_trusting(timeout: Duration, proxy: Option<&Proxy>, ca: Option<&[u8]>) -> Result<reqwest::Client, String> {
    let tls = tls_trusting(ca)?;
    let mut builder =
        reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).no_proxy().tls_backend_preconfigured(tls);
    if let Some(proxy) = proxy.cloned() {
        builder = builder.proxy(reqwest::Proxy::custom(move |url| {
            url.host_str().is_some_and(|host| proxy.applies(host)).then(|| proxy.address().clone())
        }));
    }
    builder.build().map_err(|error| error.to_string())
}

/// Mozilla's roots, as they are compiled in: the same on every machine and in an empty container.
pub fn tls() -> rustls::ClientConfig {
    configured(mozilla())
}

/// As [`tls`], with the certificates of `ca` (PEM) beside them.
///
/// # Errors
/// When there is no certificate in it.
pub fn tls_trusting(ca: Option<&[u8]>) -> Result<rustls::ClientConfig, String> {
    let mut roots = mozilla();
    if let Some(pem) = ca {
        let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
        if found.is_empty() {
            return Err("there is no certificate in it (PEM is wanted: -----BEGIN CERTIFICATE-----)".to_owned());
        }
        for certificate in found {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    Ok(configured(roots))
}

fn mozilla() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn configured(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        // ring knows TLS 1.2 and 1.3, which are the defaults; the other way round there is the process's own provider.
        Err(_) => rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
    }
}
