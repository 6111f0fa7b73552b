use super::Proxy;

#[test]
fn an_address_is_read_with_or_without_its_scheme() {
    let proxy = Proxy::parse("proxy.example:3128", "").unwrap();
    assert_eq!((proxy.host(), proxy.port(), proxy.authorization()), ("proxy.example", 3128, None));
    assert_eq!(Proxy::parse("http://[fd00::1]:3128/", "").unwrap().host(), "[fd00::1]");
    for wrong in ["", "https://proxy.example:3128", "socks5://proxy.example", "http://", "file:///etc/passwd"] {
        assert!(Proxy::parse(wrong, "").is_err(), "{wrong}");
    }
}

#[test]
fn name_and_password_become_a_header_and_are_never_shown() {
    let proxy = Proxy::parse("http://aladdin:open%20sesame@proxy.example:3128", "").unwrap();
    assert_eq!(proxy.authorization().unwrap(), "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(Proxy::parse("http://a+b:c@p", "").unwrap().authorization().unwrap(), "Basic YStiOmM=");
    assert_eq!(format!("{proxy:?}"), "http://proxy.example:3128");
    assert!(!Proxy::parse("ftp://u:hunter2@p", "").unwrap_err().contains("hunter2"));
}

#[test]
fn this_machine_and_listed_hosts_are_reached_directly() {
    let proxy = Proxy::parse("http://proxy.example:3128", "internal.example, .corp.example:443,*.svc").unwrap();
    for direct in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "internal.example", "a.corp.example", "CORP.example", "x.svc"] {
        assert!(!proxy.applies(direct), "{direct}");
    }
    for through in ["slack.com", "wss-primary.slack.com", "notinternal.example", "10.0.0.1"] {
        assert!(proxy.applies(through), "{through}");
    }
    assert!(!Proxy::parse("http://proxy.example:3128", "*").unwrap().applies("slack.com"));
}
