mod budget;
mod harmless;
mod kinds;
mod props;
mod real;

use super::text;

#[test]
fn planted_secrets_do_not_survive() {
    let planted = [
        ("mongodb://app:s3cr3tPw@db-0.db:27017/shop", "s3cr3tPw"),
        ("password=hunter2hunter2 user=x", "hunter2hunter2"),
        (r#"{"api_key": "abcd1234efgh5678"}"#, "abcd1234efgh5678"),
        ("Authorization: Bearer abcdefghijklmnop123456", "abcdefghijklmnop123456"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "eyJzdWIiOiIxIn0"),
        ("xoxb-1234567890-abcdefghij", "1234567890-abcdefghij"),
        ("key AKIAABCDEFGHIJKLMNOP used", "AKIAABCDEFGHIJKLMNOP"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("DB_PASSWORD: correct-horse-battery", "correct-horse"),
    ];
    for (input, secret) in planted {
        let shown = text(input);
        assert!(!shown.contains(secret), "{secret} survived: {shown}");
        assert!(shown.contains("[redacted"), "nothing was marked in {shown}");
    }
}

#[test]
fn ordinary_sentences_are_left_alone() {
    for input in [
        "secret \"db-credentials\" not found",
        "Error: token expired at 14:03",
        "MountVolume.SetUp failed for volume \"token\"",
        "password: required",
        "cannot read the token: KeyError: 'CHAT_TOKEN'",
        "dial tcp 10.0.0.1:27017: connect: connection refused",
        "http://prometheus:9090/api/v1/query?query=up",
    ] {
        assert_eq!(text(input), input);
    }
}

#[test]
fn redacting_twice_changes_nothing_more() {
    let once = text("password=hunter2hunter2 mongodb://a:bcdef@h/").into_owned();
    assert_eq!(text(&once), once);
}

#[test]
fn json_stays_json_without_its_secrets() {
    let untouched = r#"{"text": "disk of <http://am.example:9093/#/alerts> is full", "n": [1, null]}"#;
    assert!(matches!(super::json(untouched), std::borrow::Cow::Borrowed(_)));
    for secret in [
        r#"{"a": ["login with \"password\": \"hunter2hunter2\" now"]}"#,
        r#"{"token": "hunter2hunter2"}"#,
        r#"{"url": "https:\/\/user:hunter2hunter2@db.example\/x"}"#,
        r#"{"text": "p\u0061ssword=hunter2hunter2"}"#,
    ] {
        let without = super::json(secret);
        assert!(!without.contains("hunter2"), "{without}");
        assert!(serde_json::from_str::<serde_json::Value>(&without).is_ok(), "{without}");
    }
}
