//! Work grows with the length of the text and not faster; what it does not cover is not shown.

use super::super::{Budget, Options, redactor::Redactor, rules::PREFIXES, scan, text, text_within};

/// Every keyword in turn, again and again, in one line.
fn keywords(length: usize) -> String {
    let words: String = scan::all_words().chain(PREFIXES.iter().map(|prefix| prefix.start)).map(|word| format!("{word}=")).collect();
    words.repeat(length / words.len() + 1).chars().take(length).collect()
}

fn work(input: &str) -> usize {
    let options = Options::default();
    let mut redactor = Redactor::new(&options, Budget::default());
    redactor.text(input, "");
    redactor.work
}

#[test]
fn work_is_linear() {
    let patterns: [fn(usize) -> String; 6] = [
        keywords,
        |length| "password=".repeat(length / 9),
        |length| "cookie:a;".repeat(length / 9),
        |length| "-----BEGIN RSA PRIVATE KEY-----".repeat(length / 31),
        |length| "://a:b".repeat(length / 6),
        |length| "kind: Secret\ndata:\n".repeat(length / 19),
    ];
    for (nth, pattern) in patterns.iter().enumerate() {
        let (short, long) = (work(&pattern(8 << 10)), work(&pattern(64 << 10)));
        assert!(long <= short.max(8 << 10) * 16, "pattern {nth}: 8 KiB cost {short}, 64 KiB cost {long}");
        // Twenty-two rules, and no byte is looked at more often than once by each, in each of two or three rounds.
        assert!(short <= (8 << 10) * 22 * 3, "pattern {nth}: 8 KiB cost {short}");
    }
}

#[test]
fn what_is_beyond_the_budget_is_not_shown() {
    let input = format!("{}\nsecret=hunter2hunter2", "password=abcdef token: none\n".repeat(200));
    let shown = text_within(&input, Budget { work: 1000, line: 4096 });
    assert!(!shown.contains("hunter2") && shown.ends_with("[redacted: too long to examine]"), "{shown}");
    assert_eq!(text(&shown), shown);
    assert_eq!(text_within(&shown, Budget { work: 1000, line: 4096 }), shown);
    assert_eq!(text_within("nothing here", Budget { work: 0, line: 0 }), "nothing here");
}

#[test]
fn a_hostile_line_ends_and_the_next_one_is_examined() {
    let shown = text_within(&format!("{}\npassword=hunter2hunter2", "cookie: a=b;".repeat(1000)), Budget::default()).into_owned();
    assert!(shown.contains("[redacted: too long to examine]") && shown.ends_with("password=[redacted secret]"), "{shown}");
    assert_eq!(text(&shown), shown);
}

#[test]
fn a_long_ordinary_line_is_examined_to_its_end() {
    let input = format!("{{\"a\": [{}\"password=hunter2hunter2\"]}}", r#"{"secretName": "db", "name": "token", "n": 1}, "#.repeat(2000));
    let shown = text(&input);
    assert!(!shown.contains("hunter2") && !shown.contains("too long"), "{}", &shown[shown.len() - 200..]);
}
