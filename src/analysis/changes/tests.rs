use super::*;
use crate::model::observation::{LogLine, LogStream};

fn change(id: &str, minute: i8, summary: &str, diff: &str) -> Change {
    Change {
        id: id.to_owned(),
        kind: "commit".to_owned(),
        summary: summary.to_owned(),
        diff: diff.to_owned(),
        time: format!("2026-01-01T10:{minute:02}:00Z").parse().ok(),
        ..Change::default()
    }
}

fn case(changes: Vec<Change>, log: &str) -> Vec<Finding> {
    let now = "2026-01-01T10:50:00Z".parse().ok();
    let line = LogLine { number: 1, time: now, level: Level::Error, text: log.to_owned(), ..LogLine::default() };
    let observations =
        Observations { changes, logs: vec![LogStream { lines: vec![line], ..LogStream::default() }], ..Observations::default() };
    let focus = Focus { text: "basketservice answers 500".to_owned(), words: vec!["basketservice".to_owned()], now, ..Focus::default() };
    findings(&observations, &focus)
}

#[test]
fn the_change_that_speaks_of_the_symptom_is_named_not_the_latest() {
    let changes = vec![
        change("aaa1", 10, "shorten voucher rounding", "- roundVoucher(total)\n+ total.floor()"),
        change("bbb2", 20, "tune colours of the banner", "+ color: red"),
        change("ccc3", 45, "log the build number", "+ log(build)"),
    ];
    let found = case(changes, "panic in roundVoucher: voucher total is NaN, rounding failed");
    assert!(found[0].statement.contains("aaa1"), "{}", found[0].statement);
    assert!(found[0].seen.iter().any(|seen| seen.entity.name == "aaa1"));
}

#[test]
fn no_change_is_named_when_none_speaks_of_the_symptom() {
    let changes = vec![
        change("bbb2", 20, "tune colours of the banner", "+ color: red"),
        change("ccc3", 45, "print the build number", "+ print(build)"),
    ];
    assert!(case(changes, "x509: certificate has expired or is not yet valid").is_empty());
}

#[test]
fn a_change_after_the_onset_is_innocent() {
    let changes = vec![
        change("aaa1", 58, "voucher rounding", "roundVoucher voucher rounding NaN"),
        change("ccc3", 45, "print the build number", "+ print(build)"),
    ];
    assert!(case(changes, "panic in roundVoucher: voucher total is NaN").iter().all(|finding| !finding.statement.contains("aaa1")));
}

/// What a diff does, in words.
fn does(diff: &str) -> Vec<String> {
    effect::effects(diff).iter().map(Effect::told).collect()
}

#[test]
fn a_diff_tells_what_it_does() {
    let cases = [
        (
            "@@ pkg/db/pool.go @@\n-const defaultMaxConns = 50\n+const defaultMaxConns = 10",
            "lowers defaultMaxConns from 50 to 10 in pkg/db/pool.go",
        ),
        (
            "--- a/c.yaml\n+++ b/c.yaml\n@@ -1 +1 @@\n-  default_ttl: 15m\n+  default_ttl: 15s",
            "lowers default_ttl from 15m to 15s in c.yaml",
        ),
        (
            "@@ a.go @@\n-\tcfg.Idle = 30 * time.Second\n+\tcfg.Idle = 5 * time.Minute",
            "raises cfg.Idle from 30 * time.Second to 5 * time.Minute in a.go",
        ),
        ("@@ e.py @@\n-    return row[\"meta\"]\n+    return row[\"metadata\"]", "renames \"meta\" to \"metadata\" in e.py"),
        (
            "@@ c.go @@\n-\tif resp.ThreeDS == nil {\n-\t\treturn \"\"\n-\t}\n \treturn resp.ThreeDS.Status",
            "removes the check `resp.ThreeDS == nil` in c.go",
        ),
        (
            "@@ o.py @@\n for line in cart.lines:\n+    item = self.catalog.get_item(line.sku)\n     total += line.price",
            "calls `self.catalog.get_item` for each element of a loop in o.py",
        ),
        ("@@ A.java @@\n-    connection.close();\n     return rows;", "does not call `connection.close()` any more in A.java"),
        ("@@ flags.json @@\n-  \"newPricing\": false\n+  \"newPricing\": true", "switches newPricing to true in flags.json"),
    ];
    for (diff, expected) in cases {
        assert_eq!(does(diff), [expected], "{diff}");
    }
}

#[test]
fn talk_and_tidying_do_nothing() {
    let cases = [
        "@@ a.go @@\n-\tlog.Printf(\"loaded %d\", 5)\n+\tlogger.Info(\"loaded\", 7)",
        "@@ a.py @@\n-# at most 10 rows\n+# at most 20 rows",
        "@@ a_test.go @@\n-const limit = 50\n+const limit = 10",
        "@@ docs/a.md @@\n-limit 50\n+limit 10",
        "@@ a.go @@\n-\td := &Decoder{strict: true}\n-\treturn d\n+\treturn &Decoder{strict: true}",
        "",
    ];
    for diff in cases {
        assert_eq!(does(diff), Vec::<String>::new(), "{diff}");
        assert!(effect::is_tidying(diff), "{diff}");
    }
}

#[test]
fn another_expression_is_no_tidying() {
    assert!(!effect::is_tidying("@@ a.rb @@\n- roundVoucher(total)\n+ total.floor()"));
}

#[test]
fn what_is_given_up_held_or_trusted_is_told() {
    let told = |diff: &str| does(diff).join("; ");
    let ahead = told("@@ api/views.py @@\n-        return Order.objects.select_related(\"customer\")\n+        return Order.objects.all()");
    assert!(ahead.contains("which saved work"), "{ahead}");
    let held =
        told("@@ store.go @@\n-\ts.mu.Lock()\n-\tv := s.m[k]\n-\ts.mu.Unlock()\n+\ts.mu.Lock()\n+\tdefer s.mu.Unlock()\n+\tv := s.m[k]");
    assert!(held.contains("for longer"), "{held}");
    let trusted = told("@@ map.ts @@\n-  city: user.address?.city ?? null,\n+  city: user.address.city,");
    assert!(trusted.contains("removes the check"), "{trusted}");
    let level = told("@@ values.yaml @@\n-  level: info\n+  level: debug");
    assert!(level.contains("\"info\" to \"debug\""), "{level}");
    assert!(does("@@ store.go @@\n-\ts.mu.Lock()\n+\ts.mu.Lock() // guards m").iter().all(|told| !told.contains("longer")));
}
