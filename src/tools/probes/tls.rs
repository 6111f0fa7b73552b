//! The handshake: what is served is looked at whether it is trusted or not, and written down as `openssl s_client` prints it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::Printed;

/// How many certificates and names are written down.
const CHAIN_MAX: usize = 6;
const NAMES_MAX: usize = 20;

/// Lets every certificate pass and remembers what was wrong with it. Nothing is ever sent over such a connection but a
/// request without credentials.
#[derive(Debug)]
struct Looking {
    strict: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<Vec<u8>>,
    wrong: Option<Error>,
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let wrong = self.strict.verify_server_cert(end, between, name, ocsp, now).err();
        let chain = std::iter::once(end).chain(between).take(CHAIN_MAX).map(|certificate| certificate.to_vec()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { chain, wrong };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Shakes hands; the stream, where it came to one, and what was seen.
pub async fn handshake(
    stream: TcpStream,
    host: &str,
    port: u16,
    now: Timestamp,
    limit: Duration,
) -> (Option<TlsStream<TcpStream>>, Printed) {
    let command = format!("openssl s_client -connect {host}:{port} -servername {host}");
    let failed = |said: &str| (None, Printed { command: command.clone(), text: format!("CONNECTED(00000003)\n{said}\n") });
    let Ok(name) = ServerName::try_from(host.to_owned()) else { return failed("the name cannot be sent in a handshake") };
    let Some((config, looking)) = config() else { return failed("TLS is not available here") };
    match tokio::time::timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Err(_) => failed("the handshake timed out"),
        Ok(outcome) => {
            let seen = std::mem::take(&mut *looking.seen.lock().unwrap_or_else(PoisonError::into_inner));
            match outcome {
                Ok(stream) => (Some(stream), Printed { command, text: text(&seen, host, now) }),
                Err(error) => {
                    let said = refused(&error);
                    let told = if seen.chain.is_empty() { String::new() } else { text(&seen, host, now) };
                    failed(&format!("{told}error:{said}"))
                }
            }
        }
    }
}

fn config() -> Option<(ClientConfig, Arc<Looking>)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    let strict = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().ok()?;
    let looking = Arc::new(Looking { strict, provider: Arc::clone(&provider), seen: Mutex::default() });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config =
        builder.dangerous().with_custom_certificate_verifier(Arc::clone(&looking) as Arc<dyn ServerCertVerifier>).with_no_client_auth();
    Some((config, looking))
}

/// A failed handshake in OpenSSL's words.
fn refused(error: &std::io::Error) -> String {
    let said = error.to_string();
    let lower = said.to_ascii_lowercase();
    if lower.contains("certificaterequired") || lower.contains("certificate required") {
        "certificate required".to_owned()
    } else if lower.contains("invalidcontenttype") || lower.contains("corrupt message") || lower.contains("invalid message") {
        "wrong version number".to_owned()
    } else if lower.contains("protocolversion") || lower.contains("peer is incompatible") {
        format!("unsupported protocol ({said})")
    } else if lower.contains("handshakefailure") {
        "alert handshake failure".to_owned()
    } else {
        said
    }
}

fn text(seen: &Seen, host: &str, now: Timestamp) -> String {
    let mut out = String::from("CONNECTED(00000003)\n---\nCertificate chain\n");
    for (at, der) in seen.chain.iter().enumerate() {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else { continue };
        let valid = certificate.validity();
        out.push_str(&format!(" {at} s:{}\n   i:{}\n", certificate.subject(), certificate.issuer()));
        let (from, until) = (valid.not_before.timestamp(), valid.not_after.timestamp());
        if at == 0 {
            out.push_str(&format!("   v:NotBefore: {}; NotAfter: {}\n", date(from), date(until)));
            let names = certificate.subject_alternative_name().ok().flatten();
            let names: Vec<String> = names
                .iter()
                .flat_map(|names| &names.value.general_names)
                .filter_map(|name| if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None })
                .take(NAMES_MAX)
                .collect();
            out.push_str(&format!("subject: {}\n", if names.is_empty() { certificate.subject().to_string() } else { names.join(", ") }));
        } else if until < now.as_second() {
            out.push_str("   certificate has expired\n");
        }
    }
    out.push_str(&verdict(seen, host, now));
    out
}

/// The verdict, the most telling first: who cannot know the issuer can still see that the time is over, or the name another.
fn verdict(seen: &Seen, host: &str, now: Timestamp) -> String {
    let end = seen.chain.first();
    let parsed = end.and_then(|der| X509Certificate::from_der(der).ok()).map(|(_, certificate)| certificate);
    let valid = parsed.as_ref().map(|certificate| certificate.validity());
    let foreign = || {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let der = CertificateDer::from(end?.as_slice());
        let certificate = ParsedCertificate::try_from(&der).ok()?;
        Some(verify_server_name(&certificate, &name).is_err())
    };
    let own = parsed.as_ref().is_some_and(|certificate| certificate.subject() == certificate.issuer());
    let Some(wrong) = &seen.wrong else { return "Verify return code: 0 (ok)\n".to_owned() };
    if valid.is_some_and(|valid| valid.not_after.timestamp() < now.as_second()) {
        return "Verify return code: 10 (certificate has expired)\n".to_owned();
    }
    if valid.is_some_and(|valid| valid.not_before.timestamp() > now.as_second()) {
        return "Verify return code: 9 (certificate is not yet valid)\n".to_owned();
    }
    if foreign() == Some(true) {
        return format!("Verify return code: 62 (Hostname mismatch: {host})\n");
    }
    match wrong {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "a certificate of the chain: certificate has expired\n".to_owned()
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) if own => {
            "Verify return code: 18 (self-signed certificate)\n".to_owned()
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) if seen.chain.len() <= 1 => {
            "Verify return code: 21 (unable to verify the first certificate)\n".to_owned()
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "Verify return code: 20 (unable to get local issuer certificate)\n".to_owned()
        }
        other => format!("Verify return code: 1 ({other})\n"),
    }
}

/// As OpenSSL prints it: `Jan 15 14:00:00 2026 GMT`.
fn date(second: i64) -> String {
    Timestamp::from_second(second)
        .map_or_else(|_| "an impossible date".to_owned(), |time| time.strftime("%b %e %H:%M:%S %Y GMT").to_string())
}
