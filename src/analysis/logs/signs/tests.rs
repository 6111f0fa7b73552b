use proptest::prelude::*;

use super::*;

fn check(text: &str, category: Category, thing: &str) {
    let reading = read(text, Some(Level::Error)).unwrap_or_else(|| panic!("nothing read from {text}"));
    assert_eq!((reading.category, reading.thing.as_str()), (category, thing), "{text}: {}", reading.title);
}

#[test]
fn lines_of_many_programs() {
    check("dial tcp: lookup cache.blue.svc on 10.96.0.10:53: no such host", Category::DnsFailure, "cache.blue.svc");
    check("Error: getaddrinfo ENOTFOUND db.blue.internal", Category::DnsFailure, "db.blue.internal");
    check("java.net.UnknownHostException: ledger-api", Category::DnsFailure, "ledger-api");
    check("cannot reach ledger.internal:8443: connection refused", Category::ConnectionRefused, "ledger.internal:8443");
    check("connect ECONNREFUSED 10.1.2.3:6379", Category::ConnectionRefused, "10.1.2.3:6379");
    check("x509: certificate has expired or is not yet valid: current time", Category::TlsCertificate, "");
    check("java.lang.OutOfMemoryError: Java heap space", Category::OomKilled, "");
    check("write /var/lib/blue/seg.1: no space left on device", Category::DiskFull, "/var/lib/blue/seg.1");
    check("HikariPool-1 - Connection is not available, request timed out after 30000ms", Category::ConnectionPoolExhausted, "");
    check("FATAL: sorry, too many clients already", Category::ConnectionLimit, "");
    check("ERROR: duplicate key value violates unique constraint \"blue_pkey\"", Category::DataError, "blue_pkey");
    check("password authentication failed for user \"blue\"", Category::Authentication, "blue");
    check(
        "pods is forbidden: User \"system:serviceaccount:blue:worker\" cannot list resource \"pods\"",
        Category::PermissionDenied,
        "system:serviceaccount:blue:worker",
    );
    check("environment variable BLUE_TOKEN is not set", Category::ConfigMissing, "BLUE_TOKEN");
    check("/entrypoint.sh: line 3: curll: command not found", Category::CommandNotFound, "curll");
    check("open /etc/blue/conf.yaml: no such file or directory", Category::ConfigMissing, "/etc/blue/conf.yaml");
    check("ModuleNotFoundError: No module named 'blue'", Category::CodeError, "blue");
    check("429 Too Many Requests", Category::RateLimited, "");
    check("src/blue.cpp:12:3: error: expected ';' before '}' token", Category::CodeError, "");
    check("Error: Config validation error: \"BLUE_KEY\" is required", Category::ConfigMissing, "BLUE_KEY");
    check("WRONGPASS invalid username-password pair or user is disabled", Category::Authentication, "");
    check("no pg_hba.conf entry for host \"10.4.4.4\", user \"blue\"", Category::Authentication, "blue");
    check("Could not resolve placeholder 'blue.url' in value \"${blue.url}\"", Category::ConfigMissing, "blue.url");
    check("host not found in upstream \"blue-v2\" in /etc/nginx/blue.conf:9", Category::DnsFailure, "blue-v2");
    check("listen tcp :8080: bind: address already in use", Category::Misconfiguration, "");
}

#[test]
fn the_innermost_cause_says_most() {
    let text = "Request failed\njava.lang.RuntimeException: x\n\tat a.B.c(B.java:1)\nCaused by: java.net.ConnectException: Connection refused to blue:80";
    check(text, Category::ConnectionRefused, "blue:80");
    let text = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 'BLUE_KEY'";
    assert_eq!(read(text, Some(Level::Error)).unwrap().thing, "BLUE_KEY");
}

#[test]
fn requests_and_strangers_are_no_faults() {
    for text in [
        "10.0.0.5 - - [20/Mar/2026:12:00:05 +0000] \"GET /errors/timed out HTTP/1.1\" 200 81",
        "Connection closed by invalid user admin 203.0.113.9 port 4022 [preauth]",
        "open() \"/html/.env\" failed (2: No such file or directory), client: 10.0.0.2, request: \"GET /.env HTTP/1.1\"",
        "test errors::a_failed_request_is_retried ... ok",
    ] {
        assert_eq!(read(text, None), None, "{text}");
    }
}

#[test]
fn words_of_failure_in_lines_of_success() {
    for text in [
        "finished with 0 errors",
        "error_rate=0 latency=3ms",
        "GET /errors HTTP/1.1 200",
        "no error, all good",
        "heartbeat ok, connection pool at 12/100",
        "Initializing TopServiceResolver",
        "registered error handler",
        "except ImportError as exc:",
    ] {
        assert_eq!(read(text, None), None, "{text}");
    }
    assert!(read("10 errors: connection refused", None).is_some());
}

#[test]
fn a_line_that_calls_itself_information_needs_stronger_words() {
    let refused = "connect to ledger.internal:8443 failed: connection reset by peer";
    assert!(read(refused, None).is_some() && read(refused, Some(Level::Error)).is_some());
    assert_eq!(read(refused, Some(Level::Info)), None);
    assert!(read("write /data/a: no space left on device", Some(Level::Info)).is_some_and(|reading| !reading.decisive));
    assert_eq!(read("environment variable BLUE is not set, using default 4", Some(Level::Warn)), None);
}

proptest! {
    #[test]
    fn no_line_is_too_odd(text in "\\PC{0,200}", words in "(error|failed|: |host=|'|\"|=|refused|lookup|no such host|é|[A-Z_]{3}| ){0,30}") {
        read(&text, Some(Level::Error));
        read(&words, None);
    }
}
