//! `openssl s_client`, `openssl x509`, and what `curl -v` says of certificates.

use jiff::{Timestamp, fmt::strtime};

use super::{Checked, Try, host, target};
use crate::model::Category;

/// A certificate that ends within this many days is told about. Source: Let's Encrypt renews 30 days before the end; alerts are set to 14.
const SOON_DAYS: i64 = 14;

pub fn read(tried: &Try<'_>, out: &mut Checked) {
    let text = tried.output;
    let is_client = text.contains("Certificate chain") || text.contains("CONNECTED(") || text.contains("Verify return code");
    let is_text = text.contains("Not Before:") || text.contains("notBefore=") || text.contains("notAfter=");
    let is_curl = text.contains("SSL") || text.contains("TLS");
    if !(is_client || is_text || is_curl) {
        return;
    }
    let name = whose(tried);
    let (from, until) = (
        date(text, &["NotBefore:", "notBefore=", "Not Before:", "start date:"]),
        date(text, &["NotAfter:", "notAfter=", "Not After :", "Not After:", "expire date:"]),
    );
    let line = |words: &str| tried.lines().find(|line| line.contains(words)).unwrap_or("").to_owned();
    let problem = |statement: String, line: String| tried.finding(Category::TlsCertificate, &name, statement, &line);
    let finding = if let Some((until, words)) =
        until.as_ref().filter(|(until, _)| text.contains("has expired") || tried.now.is_some_and(|now| now > *until))
    {
        let _ = until;
        problem(format!("The certificate of {name} has expired: it was valid until {words}"), line("xpire"))
            .fix(format!("renew the certificate of {name} now (cert-manager: kubectl describe certificate, certificaterequest, order)"))
            .prevent("alert 14 days before a certificate ends, on what is served and not on the file")
    } else if text.contains("certificate has expired") {
        problem(format!("A certificate in the chain of {name} has expired"), line("expired"))
            .fix(format!("openssl s_client -connect {name}:443 -showcerts   # which of the chain; replace it"))
    } else if let Some((_, words)) =
        from.as_ref().filter(|(from, _)| text.contains("not yet valid") || is_text && tried.now.is_some_and(|now| now < *from))
    {
        problem(format!("The certificate of {name} is not yet valid: it begins at {words}"), line("efore"))
            .fix("compare the clocks of the issuer, the server and the clients; issue it again with a begin in the past")
    } else if [
        "no alternative certificate subject name matches",
        "subjectAltName does not match",
        "Hostname mismatch",
        "does not match target host name",
        "certificate subject name",
    ]
    .iter()
    .any(|words| text.contains(words))
    {
        let subject = tried
            .lines()
            .find_map(|line| line.split("subject:").nth(1))
            .map(|subject| format!(", it is for {}", subject.trim()))
            .unwrap_or_default();
        problem(format!("The certificate that {name} serves is for another name{subject}: name mismatch"), line("match"))
            .fix(format!("serve a certificate whose SAN lists {name}; look which default certificate the proxy falls back to"))
            .prevent("test the served certificate for every host name after each change of the proxy")
    } else if [
        "certificate required",
        "alert bad certificate",
        "alert certificate unknown",
        "peer did not return a certificate",
        "No client certificate CA names sent\nerror",
    ]
    .iter()
    .any(|words| text.contains(words))
    {
        problem(format!("{name} wants a client certificate (mutual TLS) and did not get one that it accepts"), line("alert"))
            .fix(format!("call {name} with the client's certificate and key (curl --cert … --key …), issued by a CA that it trusts"))
    } else if ["unable to get local issuer certificate", "unable to verify the first certificate"].iter().any(|words| text.contains(words))
    {
        let alone = text.matches("\n 1 s:").count() == 0 && is_client;
        if alone {
            problem(format!("The chain that {name} serves is incomplete: the intermediate certificate is missing"), line("unable to"))
                .fix("serve the full chain (leaf, then intermediates), e.g. fullchain.pem and not cert.pem")
                .prevent("check the served chain from a client that caches no intermediates")
        } else {
            problem(
                format!("The issuer of the certificate of {name} is not trusted there: unable to get local issuer certificate"),
                line("unable to"),
            )
            .fix("give the client the CA that issued it, or serve a chain that ends in a CA it trusts")
        }
    } else if ["self-signed certificate", "self signed certificate"].iter().any(|words| text.contains(words)) {
        problem(format!("{name} serves a self-signed certificate that the client does not trust"), line("self"))
            .fix("serve a certificate of a CA that clients trust; an ingress controller without a secret serves its own fake one")
    } else if [
        "unsupported protocol",
        "alert protocol version",
        "wrong version number",
        "no protocols available",
        "handshake failure",
        "no shared cipher",
        "no cipher",
    ]
    .iter()
    .any(|words| text.contains(words))
    {
        let plain = text.contains("wrong version number") || text.contains("packet length too long");
        let what = if plain {
            "does not speak TLS on that port (wrong version number)"
        } else {
            "and the client have no TLS version or cipher in common"
        };
        problem(format!("{name} {what}"), line("error:")).fix(if plain {
            "call it with http, or let the server speak TLS on that port"
        } else {
            "compare the versions and ciphers of both (openssl s_client -tls1_2, nmap --script ssl-enum-ciphers)"
        })
    } else {
        let soon = until.as_ref().zip(tried.now).filter(|((until, _), now)| until.duration_since(*now).as_hours() < SOON_DAYS * 24);
        if let Some(((until, words), now)) = soon {
            out.ruled_out.push(format!(
                "the certificate of {name} is valid, and ends in {} days ({words})",
                until.duration_since(now).as_hours() / 24
            ));
        } else if text.contains("Verify return code: 0 (ok)") || text.contains("SSL certificate verify ok") {
            out.ruled_out.push(format!("the certificate of {name} is valid and its chain complete"));
        }
        return;
    };
    out.findings.push(finding);
}

/// The host that was called, or the certificate's own subject.
fn whose(tried: &Try<'_>) -> String {
    let called = target(tried).or_else(|| tried.after("-servername ")).or_else(|| tried.after("-connect ").map(host));
    let subject = || {
        let line = tried.lines().find(|line| {
            line.starts_with("Subject:") || line.starts_with("subject=") || line.starts_with("0 s:") || line.starts_with("depth=0")
        })?;
        line.split("CN").nth(1)?.trim_start_matches([' ', '=']).split([',', '/', ' ']).next()
    };
    called.or_else(subject).unwrap_or("the server").to_owned()
}

/// A date behind one of `keys`, with its own words.
fn date(text: &str, keys: &[&str]) -> Option<(Timestamp, String)> {
    keys.iter().find_map(|key| {
        let rest = text.split_once(key)?.1.lines().next()?;
        let words: Vec<&str> = rest.split(';').next()?.split_whitespace().take(5).collect();
        let words = words.join(" ");
        let plain = words.trim_end_matches(" GMT");
        let parsed = strtime::parse("%b %d %H:%M:%S %Y", plain).ok()?.to_datetime().ok()?;
        Some((parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(), words))
    })
}
