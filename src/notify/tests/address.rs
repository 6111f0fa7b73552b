use std::{io, net::IpAddr, time::Duration};

use crate::notify::{Allowed, Place, Refused};

async fn check(allowed: &Allowed, url: &str, resolves_to: &[&str]) -> Result<Place, Refused> {
    let found: Vec<IpAddr> = resolves_to.iter().map(|text| text.parse().unwrap()).collect();
    allowed.check_with(url, |_, _| async move { Ok(found) }).await
}

fn listing(hosts: &[&str]) -> Allowed {
    Allowed { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), allow_private: false }
}

#[tokio::test]
async fn what_leads_to_this_machine_the_link_a_metadata_service_or_a_private_network_is_refused_in_every_spelling() {
    for url in [
        // This machine.
        "http://127.0.0.1/",
        "http://127.8.8.8:8080/x",
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://LocalHost.LocalDomain/",
        "http://hooks.localhost/",
        "http://ip6-loopback/",
        // The same, by other notations of numbers and letters.
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://loc%61lhost/",
        // The link, and metadata services.
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.1.1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:0:169.254.169.254]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[64:ff9b:1::169.254.169.254]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2001:db8::5efe:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://192.0.0.192/",
        "http://168.63.129.16/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA/",
        "http://instance-data/",
        // Private networks.
        "http://10.0.0.5/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://198.18.0.1/",
        "http://[fd12:3456::1]/",
        "http://[fec0::1]/",
        "http://[2002:0a00:0001::]/",
        "http://[64:ff9b::10.0.0.1]/",
        // No single machine.
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://240.0.0.1/",
        "http://[ff02::1]/",
        // No address that is posted to.
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "javascript:alert(1)",
        "hooks.example.com/x",
        "//hooks.example.com/x",
        "",
        "https:hooks.example.com",
        // Tricks with the parts of an address.
        "http://user:password@hooks.example.com/",
        "http://hooks.example.com@127.0.0.1/",
        "http://@hooks.example.com/",
        "http://hooks.example.com\\@127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http://hooks.example.com\t.evil.example/",
        "http://hooks.example.com/\r\nHost: internal",
        " http://hooks.example.com/",
        "http://hooks.example.com./",
        "http:///hooks",
    ] {
        let outcome = check(&Allowed::default(), url, &["203.0.113.7"]).await;
        assert!(outcome.is_err(), "{url:?} was taken: {outcome:?}");
    }
    let long = format!("https://hooks.example.com/{}", "x".repeat(2048));
    assert_eq!(check(&Allowed::default(), &long, &["203.0.113.7"]).await, Err(Refused::Unreadable));
}

#[tokio::test]
async fn usual_addresses_are_taken_and_pinned_to_what_was_judged() {
    for (url, resolves_to, host, pinned) in [
        ("https://hooks.example.com/services/T1/B1/x?y=z", &["203.0.113.7"][..], "hooks.example.com", "203.0.113.7:443"),
        ("http://hooks.example.com:8080/", &["203.0.113.7"], "hooks.example.com", "203.0.113.7:8080"),
        ("https://hooks.example.com/@handle", &["203.0.113.7"], "hooks.example.com", "203.0.113.7:443"),
        ("https://HOOKS.example.com", &["203.0.113.7"], "hooks.example.com", "203.0.113.7:443"),
        ("https://bücher.example/", &["203.0.113.7"], "xn--bcher-kva.example", "203.0.113.7:443"),
        ("https://v6.example.com/", &["2606:4700::1"], "v6.example.com", "[2606:4700::1]:443"),
        ("https://8.8.8.8/", &[], "8.8.8.8", "8.8.8.8:443"),
        ("https://[2606:4700::1]:8443/", &[], "2606:4700::1", "[2606:4700::1]:8443"),
        ("https://172.32.0.1/", &[], "172.32.0.1", "172.32.0.1:443"),
        ("https://100.128.0.1/", &[], "100.128.0.1", "100.128.0.1:443"),
        ("https://[64:ff9b::808:808]/", &[], "64:ff9b::808:808", "[64:ff9b::808:808]:443"),
        ("https://localhost.example.com/", &["203.0.113.7"], "localhost.example.com", "203.0.113.7:443"),
    ] {
        let place = check(&Allowed::default(), url, resolves_to).await.unwrap_or_else(|refused| panic!("{url}: {refused}"));
        assert_eq!((place.host.as_str(), place.addresses[0].to_string().as_str()), (host, pinned), "{url}");
    }
}

#[tokio::test]
async fn every_address_of_a_name_must_be_fine() {
    for found in
        [&["127.0.0.1"][..], &["203.0.113.7", "127.0.0.1"], &["203.0.113.7", "::ffff:169.254.169.254"], &["203.0.113.7", "10.0.0.1"]]
    {
        let outcome = check(&Allowed::default(), "https://rebinding.example.com/", found).await;
        assert!(matches!(outcome, Err(Refused::Forbidden(_))), "{found:?}: {outcome:?}");
    }
    assert!(matches!(check(&Allowed::default(), "https://nothing.example.com/", &[]).await, Err(Refused::Unresolved(_))));
    let failing = Allowed::default().check_with("https://nothing.example.com/", |_, _| async { Err(io::Error::other("servfail")) }).await;
    assert!(matches!(failing, Err(Refused::Unresolved(_))));
}

#[tokio::test]
async fn what_the_settings_allow_is_taken_but_no_name_leads_to_a_metadata_service() {
    let private = Allowed { allow_private: true, ..Allowed::default() };
    assert!(check(&private, "http://hooks.shop.svc/", &["10.0.0.5"]).await.is_ok());
    assert!(check(&private, "http://192.168.1.1/", &[]).await.is_ok());
    for url in ["http://127.0.0.1/", "http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://224.0.0.1/"] {
        assert!(check(&private, url, &[]).await.is_err(), "{url}");
    }
    let listed = listing(&["127.0.0.1", "Hooks.internal", "localhost", "[::1]"]);
    for (url, found) in [
        ("http://127.0.0.1:9000/", &[][..]),
        ("http://[::1]:9000/", &[]),
        ("http://hooks.internal/", &["10.0.0.5"]),
        ("http://localhost:9000/", &["127.0.0.1", "::1"]),
    ] {
        assert!(check(&listed, url, found).await.is_ok(), "{url}");
    }
    for (url, found) in [
        ("http://127.0.0.2/", &[][..]),
        ("http://hooks.internal/", &["169.254.169.254"]),
        ("http://hooks.internal/", &["100.100.100.200"]),
        ("http://hooks.internal/", &["fe80::1"]),
        ("http://other.internal/", &["10.0.0.5"]),
    ] {
        assert!(check(&listed, url, found).await.is_err(), "{url} {found:?}");
    }
    assert!(check(&listing(&["169.254.1.1"]), "http://169.254.1.1/", &[]).await.is_ok(), "an address that is listed itself");
}

#[tokio::test]
async fn a_refusal_never_repeats_the_address() {
    for url in
        ["http://user:hunter2secret@example.com/", "http://127.0.0.1/hunter2secret", "ftp://example.com/hunter2secret", "hunter2secret"]
    {
        let refused = check(&Allowed::default(), url, &["203.0.113.7"]).await.unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hunter2secret"), "{refused:?}");
    }
}

#[tokio::test]
async fn connections_go_to_the_judged_address_whatever_the_name_resolves_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", axum::routing::get(|| async { "here" }))).await });
    // A name that no name server knows: only the pinned address can be what answers.
    let url = format!("http://pinned.invalid:{port}/");
    let place = check(&listing(&["pinned.invalid"]), &url, &["127.0.0.1"]).await.unwrap();
    let client = place.client(Duration::from_secs(5)).unwrap();
    assert_eq!(client.get(place.url).send().await.unwrap().text().await.unwrap(), "here");
    let elsewhere = client.get("http://localhost.invalid/").send().await;
    assert!(elsewhere.is_err());
}
