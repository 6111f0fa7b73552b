use super::scan;

fn check(text: &str, instant: &str, rest: &str) {
    let (stamp, length) = scan(text).unwrap_or_else(|| panic!("no time in {text}"));
    assert_eq!(stamp.map(|s| s.to_string()).unwrap_or_default(), instant, "{text}");
    assert_eq!(&text[length..], rest, "{text}");
}

#[test]
fn times_of_many_conventions() {
    check("2024-01-02T03:04:05.678Z x", "2024-01-02T03:04:05.678Z", " x");
    check("2024-01-02 03:04:05,678 INFO", "2024-01-02T03:04:05.678Z", " INFO");
    check("2024-01-02T03:04:05+01:00 x", "2024-01-02T02:04:05Z", " x");
    check("2024/01/02 03:04:05 [error]", "2024-01-02T03:04:05Z", " [error]");
    check("2026-07-30T19:16:51.6976547Z x", "2026-07-30T19:16:51.6976547Z", " x");
    check("02/Jan/2024:03:04:05 +0000] x", "2024-01-02T03:04:05Z", "] x");
    check("Jan  2 03:04:05 host", "", " host");
    check("Tue Feb  3 21:08:10.221 [a]", "", " [a]");
    check("Sun Dec 04 04:47:44 2005] x", "2005-12-04T04:47:44Z", "] x");
    check("081109 203615 148", "2008-11-09T20:36:15Z", " 148");
    check("17/06/09 20:10:40 INFO", "2017-06-09T20:10:40Z", " INFO");
    check("1700000000.5 x", "2023-11-14T22:13:20.5Z", " x");
    check("1700000000000 x", "2023-11-14T22:13:20Z", " x");
    check("03-17 16:13:38.811  1702", "", "  1702");
    check("20171223-22:15:29:606|a", "2017-12-23T22:15:29.606Z", "|a");
}

#[test]
fn numbers_and_words_are_no_times() {
    for text in ["12345 x", "1.2.3.4", "10.0.0.1:80", "March of time", "200 OK", "2024", "12/x", "Mon Key", "99-99 99:99:99"] {
        assert!(scan(text).is_none(), "{text}");
    }
}
