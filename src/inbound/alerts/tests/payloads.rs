//! Payloads in the shapes that senders document, and what an engineer reads in them: one row, one body.
//!
//! A row says `what` it is, the `body`, and what is to be read. In `expect` an empty text is "the sender does not say",
//! `*` is "whatever", `*part*` is "contains", and a list means that any of its members is right.

use super::*;

const TABLES: [(&str, &str); 4] = [
    ("webhooks", include_str!("payloads/webhooks.jsonl")),
    ("webhooks_small", include_str!("payloads/webhooks_small.jsonl")),
    ("posts", include_str!("payloads/posts.jsonl")),
    ("posts_more", include_str!("payloads/posts_more.jsonl")),
];

fn rows() -> Vec<(String, Value)> {
    TABLES
        .iter()
        .flat_map(|(table, lines)| lines.lines().enumerate().map(move |(at, line)| (format!("{table}:{}", at + 1), line)))
        .map(|(place, line)| (place, serde_json::from_str(line).expect("a row is JSON")))
        .collect()
}

fn fits(got: &str, wanted: &Value) -> bool {
    match wanted {
        Value::Array(any) => any.iter().any(|wanted| fits(got, wanted)),
        Value::String(wanted) => match wanted.strip_prefix('*').and_then(|rest| rest.strip_suffix('*')) {
            Some(part) => got.contains(part),
            None => wanted == "*" || wanted == got,
        },
        other => json::scalar(other) == got,
    }
}

#[test]
fn payloads_are_read_as_an_engineer_reads_them() {
    let mut wrong = Vec::new();
    for (place, row) in rows() {
        let (what, expect) = (&row["what"], &row["expect"]);
        let found = parse("auto", row["body"].to_string().as_bytes()).expect("a body that can be read");
        if expect["not_an_alert"] == true {
            if let Recognised::Alerts(found) = found {
                wrong.push(format!("{place} {what}: an alert `{}`", found[0].name));
            }
            continue;
        }
        let Recognised::Alerts(found) = found else {
            wrong.push(format!("{place} {what}: no alert"));
            continue;
        };
        let alert = &found[0];
        let severity = alert.severity_source.clone().unwrap_or_default();
        let count = alert.alert_count.to_string();
        let got = [
            ("name", alert.name.as_str()),
            ("status", alert.status.as_str()),
            ("severity", &severity),
            ("service", &alert.service),
            ("resource", &alert.resource),
            ("namespace", &alert.namespace),
            ("count", &count),
        ];
        for (field, got) in got.iter().filter(|(field, got)| !fits(got, &expect[*field])) {
            wrong.push(format!("{place} {what}: {field} is `{got}` instead of {}", expect[*field]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_empty_bodies_and_broken_json_are_clear() {
    for body in ["", "  \n", "{\"status\": \"firing\", \"alerts\": [", "{]", "[1,,2]"] {
        let error = parse("auto", body.as_bytes()).expect_err(body).to_string();
        assert!(error.contains("line") && error.contains("column"), "{body}: {error}");
    }
    for page in
        ["<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "<html>\n<h1>It works!</h1></html>"]
    {
        assert!(parse("auto", page.as_bytes()).expect_err(page).to_string().contains("HTML page"), "{page}");
    }
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(!matches!(parse("auto", deep.as_bytes()), Ok(Recognised::Alerts(_))));
}

proptest! {
    /// A real body that was cut, or whose bytes were changed, is read or refused, and never breaks the reader.
    #[test]
    fn spoiled_payloads_never_panic(pick in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12)) {
        let rows = rows();
        let mut body = rows[pick.index(rows.len())].1["body"].to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = parse("auto", &body);
        body.truncate(cut.index(body.len()));
        let _ = parse("auto", &body);
    }
}
