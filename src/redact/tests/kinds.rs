//! A secret of every kind, in the forms in which people meet it, and what the marker says.

use super::super::{Budget, Options, counted, json, redactor::Redactor, text, value};

/// Put together here so that no scanner takes this file for a leak.
fn joined(parts: &[&str]) -> String {
    parts.concat()
}

/// A text, the part of it that must go, the rule that takes it.
pub(super) fn planted() -> Vec<(String, String, &'static str)> {
    let of = |before: &str, secret: &str, after: &str, rule: &'static str| (format!("{before}{secret}{after}"), secret.to_owned(), rule);
    let token = |parts: &[&str], rule: &'static str| (joined(parts), joined(parts), rule);
    let hex = "0123456789abcdef0123456789abcdef";
    let long = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5";
    vec![
        of("", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK=\n-----END RSA PRIVATE KEY-----", "\n", "private key"),
        of(
            "",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAEbm9uZQ",
            "\n2024-01-01 next line",
            "private key",
        ),
        of(
            r#"{"private_key": ""#,
            r"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhki==\n-----END PRIVATE KEY-----",
            r#"\n"}"#,
            "private key",
        ),
        of("", "MIIEowIBAAKCAQEA7bq0SxR2yxv\nqwerQWER1234+/==", "\n-----END RSA PRIVATE KEY-----", "private key"),
        of("client-key-data: ", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF", "", "private key"),
        of("mongodb+srv://app:", "s3cr3t%2FPw", "@a.example.net,b.example.net/shop?w=1", "password in a URL"),
        of("amqp://guest:", "p/w:x@y", "@rabbit:5672/", "password in a URL"),
        of("redis://:", "hunter2", "@cache:6379", "password in a URL"),
        of("https://", "0123456789abcdef0123", "@sentry.example/4", "password in a URL"),
        of("next=postgres%3A%2F%2Fapp%3A", "hunter2x", "%40db%2Fshop", "password in a URL"),
        of(r"https:\/\/u:", "hunter2x", r"@db\/", "password in a URL"),
        of("jdbc:oracle:thin:scott/", "tiger12", "@//db:1521/x", "password in a URL"),
        of("curl -s -u admin:", "hunter2x", " http://x/", "password in a URL"),
        of("id=", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", " end", "JWT"),
        token(&["xox", "b-1234567890-abcdefghij"], "Slack token"),
        token(&["xap", "p-1-A01-2345-abcdef0123"], "Slack token"),
        token(&["xox", "e.xoxp-1-Mi0yLTEyMzQ"], "Slack token"),
        of("https://hooks.slack.com/services/", "T00000000/B00000000/XXXXaaaa1111", " x", "webhook URL"),
        of(r"https:\/\/hooks.slack.com\/services\/", r"T00000000\/B00000000\/XXXXaaaa1111", "", "webhook URL"),
        token(&["AKI", "AABCDEFGHIJKLMNOP"], "cloud key"),
        of(&joined(&["AKI", "AABCDEFGHIJKLMNOP,"]), "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY", "", "cloud key"),
        of("secret access key is ", "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY", "", "cloud key"),
        token(&["AIz", "aSyA0123456789abcdefghijklmnopqrstuv"], "cloud key"),
        token(&["GOC", "SPX-abcdefghij0123456789"], "cloud key"),
        token(&["abc8", "Q~abcdefghijklmnopqrstuvwxyz01234567"], "cloud key"),
        token(&["gh", "p_abcdefghijklmnopqrstuvwxyz0123456789"], "code host token"),
        token(&["gh", "r_abcdefghijklmnopqrstuvwxyz0123456789"], "code host token"),
        token(&["github", "_pat_11ABCDEFG0123456789_abcdefghij"], "code host token"),
        token(&["glp", "at-abcdefghij0123456789"], "code host token"),
        token(&["ATB", "Babcdefghij0123456789ABCDEFGHIJ"], "code host token"),
        token(&["np", "m_abcdefghijklmnopqrstuvwxyz0123456789"], "package registry token"),
        token(&["pyp", "i-AgEIcHlwaS5vcmcCJDAwMDAwMDAw"], "package registry token"),
        token(&["sk_", "live_abcdefghij0123456789"], "payment key"),
        token(&["S", "G.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"], "messaging key"),
        token(&["S", "K", hex], "messaging key"),
        token(&["123456789", ":AA", "Habcdefghijklmnopqrstuvwxyz012345"], "messaging key"),
        token(&["sk", "-ant-api03-abcdefghijklmnopqrst0123"], "model key"),
        token(&["sk", "-proj-abcdefghijklmnopqrstuvwxyz0123"], "model key"),
        token(&["gls", "a_abcdefghijklmnopqrstuvwxyz012345_01234567"], "monitoring key"),
        token(&["glc", "_eyJvIjoiMTIzNDU2Iiwibi"], "monitoring key"),
        token(&["NRA", "K-ABCDEFGHIJKLMNOPQRSTUVWXYZ1"], "monitoring key"),
        token(&["hv", "s.CAESIabcdefghij0123456789"], "Vault token"),
        token(&["sre", "_k7f3_", long], "API key"),
        of("Authorization: Basic ", "dXNlcjpwYXNzd29yZA==", "", "authorization"),
        of("authorization: GenieKey ", "0f0e0d0c-1111-2222-3333-444455556666", "", "authorization"),
        of("> Authorization: Digest ", r#"username="a", response="6629fae49393a05397450978507c4ef1"#, "\"\n> Accept: */*", "authorization"),
        of(r#"{"Authorization":["Bearer "#, "abcdefghijklmnop1234", r#""]}"#, "authorization"),
        of("Cookie: theme=dark; session=", "0123456789abcdef", "; x=1", "cookie"),
        of("Set-Cookie: sid=", "s%3Aabcdef.ghijkl", "; Path=/; HttpOnly", "cookie"),
        of("https://a.blob.core.windows.net/c?sv=2022&sig=", "abcDEF0123456789%2Babcdef%3D", "&se=1", "signature"),
        of("X-Amz-Signature=", hex, "", "signature"),
        of("Server=db;User ID=sa;Password=", "P@ss,w0rd", ";Encrypt=true", "secret"),
        of("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", "abcdEFGH0123+/abcdEFGH==", ";EndpointSuffix=core", "secret"),
        of("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=", "abcdEFGH0123+/abcdEFGH=", "", "secret"),
        of("DD_API_KEY=", hex, " x", "secret"),
        of("routing_key: ", "R01AB2CD3EF4GH5IJ6KL7MN8OP9QR0ST", "", "secret"),
        of("AWS_SECRET_ACCESS_KEY=", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", "secret"),
        of(r#"{"password": ""#, "correct horse battery", r#""}"#, "secret"),
        of(r#"{\"password\":\""#, "correct horse", r#"\"}"#, "secret"),
        of(r#"{\\\"password\\\":\\\""#, "correct horse", r#"\\\"}"#, "secret"),
        of("--password ", "hunter2x", " --user x", "secret"),
        of(r#"["--api-key", ""#, "hunter2x", r#""]"#, "secret"),
        of("<password>", "hunter2x", "</password>", "secret"),
        of("\u{1b}[36mpassword=\u{1b}[0m", "hunter2x", "\u{1b}[0m ok", "secret"),
        of("config['api_key'] = '", "hunter2x", "'", "secret"),
        of("password%3D", "hunter2x", "%26user%3Da", "secret"),
        of("- name: DB_PASSWORD\n  value: ", "hunter2x", "\n", "secret"),
        of("CREATE USER a IDENTIFIED BY '", "hunter2x", "'", "secret"),
        of("password: |-\n  ", "hunter2x", "\nuser: a", "secret"),
        of("token: password: ", "hunter2x", "", "secret"),
        of("card ", "4111 1111 1111 1111", " declined", "payment card"),
        of("pan=", "5555555555554444", "&x=1", "payment card"),
        of("amex ", "3782-822463-10005", "", "payment card"),
    ]
}

#[test]
fn every_kind_is_taken_under_its_name() {
    for (input, secret, rule) in planted() {
        let (shown, counts) = counted(&input);
        assert!(!shown.contains(&secret), "{secret} survived: {shown}");
        assert!(counts.of(rule) > 0, "{input} was taken by {counts:?}, not by {rule}: {shown}");
        assert_eq!(text(&shown), shown);
        assert_eq!(shown.matches("[redacted").count(), counts.total() as usize, "{shown}");
        let mut field = serde_json::json!({"message": input});
        value(&mut field);
        assert!(!field["message"].as_str().unwrap().contains(&secret), "{field}");
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    for (input, shown) in [
        ("Server=db;Password=a;b,c{1;Encrypt=true", "Server=db;Password=[redacted secret];Encrypt=true"),
        ("GET /x?token=abcd1234&page=2 200", "GET /x?token=[redacted secret]&page=2 200"),
        ("Set-Cookie: sid=abcdef; Path=/; HttpOnly", "Set-Cookie: sid=[redacted cookie]; Path=/; HttpOnly"),
        ("mongodb://a:bcdef@h1:27017,h2:27017/db", "mongodb://a:[redacted password in a URL]@h1:27017,h2:27017/db"),
        (r#"{"a":"password=hunter2x","b":1}"#, r#"{"a":"password=[redacted secret]","b":1}"#),
        ("Authorization: Bearer abcdefghijkl1234, Accept: */*", "Authorization: Bearer [redacted authorization], Accept: */*"),
    ] {
        assert_eq!(text(input), shown);
    }
}

#[test]
fn manifests_lose_their_values_and_nothing_else() {
    let yaml = "apiVersion: v1\ndata:\n  user: YWRtaW4=\n  pass: |\n    c2Vj\n    cmV0\nkind: Secret\nmetadata:\n  name: db\n---\nkind: ConfigMap\ndata:\n  mode: fast\n";
    let shown = text(yaml);
    assert!(!shown.contains("YWRtaW4=") && !shown.contains("c2Vj") && !shown.contains("cmV0"), "{shown}");
    assert!(
        shown.contains("mode: fast") && shown.contains("name: db") && shown.contains("  user: [redacted Kubernetes secret]\n"),
        "{shown}"
    );
    let list = "items:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: a\n  stringData:\n    a: \"one two\"\n- kind: ConfigMap\n  data:\n    a: three\n";
    let shown = text(list);
    assert!(!shown.contains("one two") && shown.contains("a: three"), "{shown}");
    for manifest in [
        r#"{"apiVersion":"v1","data":{"user":"YWRtaW4=","n":null,"p":"c2Vj"},"kind":"Secret","metadata":{"name":"db"}}"#,
        r#"{"kind": "Secret", "metadata": {"name": "db"}, "stringData": {"user": "YWRtaW4=", "p": "c2Vj"}}"#,
    ] {
        let escaped = serde_json::to_string(manifest).unwrap();
        for shown in [text(manifest), json(manifest), text(&escaped), json(&escaped)] {
            assert!(!shown.contains("YWRtaW4=") && !shown.contains("c2Vj") && shown.contains("db"), "{shown}");
        }
    }
}

#[test]
fn fields_of_documents_are_judged_by_their_names() {
    for (input, secret) in [
        (r#"{"token": "a", "token": "hunter2hunter2", "token": "b"}"#, "hunter2"),
        (r#"{"passwords": ["hunter2hunter2"]}"#, "hunter2"),
        (r#"{"password": 12345678}"#, "12345678"),
        (r#"{"env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]}"#, "hunter2"),
        (r#"{"args": ["--token", "hunter2hunter2"]}"#, "hunter2"),
        (r#"{"pan": 4111111111111111}"#, "4111111111111111"),
        (r#"{"password": "correct horse battery"}"#, "horse"),
    ] {
        let shown = json(input);
        assert!(!shown.contains(secret), "{shown}");
        assert_eq!(json(&shown), shown);
        serde_json::from_str::<serde_json::Value>(&shown).unwrap();
    }
    let planted = ["gh", "p_abcdefghijklmnopqrstuvwxyz0123456789"].concat();
    let shown = json(&format!(r#"{{"{planted}": 1, "{planted}0": 2}}"#)).into_owned();
    assert_eq!(shown, r#"{"[redacted code host token]":1,"[redacted code host token]+":2}"#);
}

#[test]
fn with_a_key_the_same_secret_has_the_same_pseudonym() {
    let options = Options { key: Some([7; 32]), emails: true };
    let shown = |input: &str| Redactor::new(&options, Budget::default()).text(input, "").into_owned();
    let first = shown("password=hunter2hunter2 from a.b@example.com");
    let digest = super::super::digest(&[7; 32], "hunter2hunter2");
    assert_eq!(digest.len(), 64);
    assert!(first.starts_with(&format!("password=[redacted secret {}] from [redacted e-mail address ", &digest[..8])), "{first}");
    assert_eq!(shown(&first), first);
    assert!(shown(r#"{"pwd": "hunter2hunter2"}"#).contains(&digest[..8]));
    assert!(!format!("{options:?}").contains('7'));
    assert_eq!(text("from a.b@example.com"), "from a.b@example.com");
}

#[test]
fn counts_are_kept_for_the_process_too() {
    let of = || super::super::taken().find(|(name, _)| *name == "JWT").map_or(0, |(_, many)| many);
    let before = of();
    let (_, counts) = counted("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl password=hunter2x");
    assert_eq!((counts.total(), counts.of("JWT"), counts.of("secret")), (2, 1, 1));
    assert!(of() > before);
    assert_eq!(format!("{counts:?}"), r#"{"JWT": 1, "secret": 1}"#);
}
