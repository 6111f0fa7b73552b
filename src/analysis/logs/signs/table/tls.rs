//! Certificates and handshakes.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::TlsCertificate,
        0.94,
        "A TLS/SSL certificate has expired",
        "certificate has expired|certificate expired|cert_has_expired|certificate is expired|expired certificate|\
         expiredcert|cert expired|certificate has expired or is not yet valid|not yet valid|\
         tlsv1 alert certificate expired",
    )
    .with("certificate|cert|x509|ssl|tls")
    .without("will expire|expires in|valid until")
    .about(Thing::Target)
    .decisive()
    .fix(
        "Look at the certificate (`openssl s_client -connect {thing} | openssl x509 -noout -dates -subject`) and renew it; restart what has it loaded",
        "Alert 21 days before a certificate expires; renew automatically (cert-manager)",
    ),
    sign(
        Category::TlsCertificate,
        0.9,
        "A TLS certificate is not trusted: the authority that signed it is unknown here {thing}",
        "unknown authority|unable to get local issuer|self signed certificate|self-signed certificate|\
         certificate verify failed|certificate_verify_failed|pkix path building failed|\
         unable to verify the first certificate|depth_zero_self_signed|untrusted root|unable_to_verify_leaf_signature|\
         certificate not trusted|certificate is not trusted",
    )
    .about(Thing::Target)
    .fix(
        "Give the client the CA that signed the certificate of {thing} (trust store, CA bundle), or serve the whole chain",
        "Distribute the internal CA with the base image or a ConfigMap",
    ),
    sign(
        Category::TlsCertificate,
        0.9,
        "A TLS certificate is for another name than the one that was called {thing}",
        "certificate is valid for|doesn't match any of the subject|hostname mismatch|no subject alternative|\
         does not match the certificate|certificate name mismatch|err_tls_cert_altname_invalid|\
         doesn't contain any ip sans|no name matching",
    )
    .about(Thing::Target)
    .fix(
        "Call {thing} by a name in its certificate, or issue one with that name",
        "Generate certificates from the names that clients use",
    ),
    sign(
        Category::TlsCertificate,
        0.84,
        "A client offers only TLS versions or ciphers that the server does not take (protocol version)",
        "client offered only unsupported versions|unsupported protocol version|unsupported protocol|protocol version not supported|\
         tlsv1 alert protocol version|no protocols available|client requested protocol|unsupported versions",
    )
    .with("tls|ssl|handshake")
    .fix(
        "Update the client, or allow the older version for it alone on a listener of its own (`openssl s_client -connect HOST:443 -tls1_1` shows what is taken)",
        "Count connections by TLS version before an old one is switched off",
    ),
    sign(
        Category::TlsCertificate,
        0.78,
        "The TLS handshake with {thing} fails",
        "tls handshake|ssl handshake|handshake failure|sslhandshakeexception|handshake_failure|bad certificate|\
         tlsv1 alert|ssl routines|wrong version number|protocol_version|first record does not look like a tls handshake|\
         no cipher suites in common|ssl: error",
    )
    .without("handshake complete|handshake succeeded")
    .about(Thing::Target)
    .fix(
        "Compare protocol versions, ciphers, client certificates and ports of both sides (`openssl s_client -connect {thing}`)",
        "Test TLS settings of dependencies before a rollout",
    ),
];
