//! What looks like a secret and is none stays as it is.

use super::super::{json, text};

#[test]
fn no_false_alarms() {
    for input in [
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
        "id 550e8400-e29b-41d4-a716-446655440000 sha 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "image registry/app@sha256:4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736",
        "caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURJVENDQWdtZ0F3SUJBZ0lJ",
        "-----BEGIN CERTIFICATE-----\nMIIDITCCAgmgAwIBAgII\n-----END CERTIFICATE-----",
        "password authentication failed for user \"x\"",
        "credentials: none",
        "Basic authentication is required, Bearer authentication is not",
        "imagePullSecrets: regcred, secretName: db, tokenExpirationSeconds: 3607",
        "automountServiceAccountToken: false",
        "MountVolume.SetUp failed for volume \"t\" : secret \"db-credentials\" not found",
        "failed to get token: dial tcp 10.0.0.1:443: connect: connection refused",
        "invalid token: signature mismatch",
        "token: unauthorized",
        "secret: object has been deleted",
        "max_tokens: 4096 tokens: 15339 token=420",
        "password: \"${DB_PASSWORD}\" token: $(cat /x) secret={{ .Values.secret }} pwd=***",
        "token=/var/run/secrets/kubernetes.io/serviceaccount/token",
        "PWD=/home/app OLDPWD=/root",
        "std::token::Error and password::Hash",
        "pass: 12 fail: 3, bypass=true",
        "x git@github.com:a/b.git http://host:8080/p?mail=a@b.c",
        "ssh://git@github.com/a/b",
        "sre_agent_redactions_taken_total 4",
        "task-scheduler-is-running-here sk-learn-is-a-library-of-python",
        "traceId=4111111111111111 offset 1700000000000000000 ts: 4111111111111111",
        "hex 4111111111111111a and a4111111111111111 and 0.4111111111111111",
        "kind: Secret",
        "involvedObject:\n  kind: Secret\n  name: x\nmessage: data",
        "env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
        "[redacted secret] and [redacted JWT 0123abcd] and [redacted: too long to examine]",
        "npm_config_registry=https://registry.npmjs.org/ npm_package_name=x",
        "cookie: missing, cookies=3",
        "GITHUB_TOKEN: ***",
        r#""operator.example.io/dep-db.secret": "a0GGAg==""#,
        r#"{"getMore":4039831511448715743,"cursor":4039831511448715743}"#,
        r#"["--tls-secret=pod-identity-webhook", "--token-audience=sts.amazonaws.com"]"#,
        "Authorization: required; authorization: failed to authenticate",
    ] {
        assert_eq!(text(input), input);
        assert_eq!(json(input), input);
    }
}
