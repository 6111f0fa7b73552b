use proptest::prelude::*;

use super::*;

fn first(text: &str) -> LogLine {
    read("test.log", text).unwrap().lines.remove(0)
}

fn check(text: &str, level: Level, message: &str) {
    let line = first(text);
    assert_eq!((line.level, line.text.as_str()), (level, message), "{text}");
}

#[test]
fn levels_and_messages_of_many_conventions() {
    check("2024-01-02 03:04:05,678 - WARNING - disk is slow", Level::Warn, "disk is slow");
    check("2024-01-02T03:04:05Z ERROR [main] c.e.App - boom", Level::Error, "[main] c.e.App - boom");
    check("2024-01-02 03:04:05.678  INFO 1 --- [main] c.e.App : started", Level::Info, "c.e.App : started");
    check("2024-01-02 03:04:05.678 [worker-1] ERROR a.b.C - boom", Level::Error, "a.b.C - boom");
    check("2024/01/02 03:04:05 [error] 7#7: *1 connect() failed", Level::Error, "7#7: *1 connect() failed");
    check("[2024-01-02 03:04:05,678] ERROR in app: Exception on / [GET]", Level::Error, "in app: Exception on / [GET]");
    check("INFO:app:Page rendered in 10.01 seconds.", Level::Info, "app:Page rendered in 10.01 seconds.");
    check("E0102 03:04:05.678901       1 main.go:12] cannot list", Level::Error, "cannot list");
    check("Jan  2 03:04:05 web-1 sshd[12]: Failed password for root", Level::Info, "Failed password for root");
    check("2024-01-02T03:04:05.123456789Z stderr F 2024-01-02 03:04:05 FATAL out of luck", Level::Fatal, "out of luck");
    check("081109 203615 148 INFO dfs.Node: block served", Level::Info, "dfs.Node: block served");
    check("20240102-3:4:5:678|Steps|30002312|counted 7", Level::Info, "counted 7");
    check("APPREAD 1117838667 2005.06.02 R09-M0 2005-06-02-15.42.01.5 R09-M0 RAS KERNEL FATAL torus failed", Level::Fatal, "torus failed");
    check("4618 node-7 action start 1074119817 1 boot", Level::Info, "1 boot");
    check("Jul  1 09:00:55 mac launchd[1] (com.example.agent[25654]): exited", Level::Info, "exited");
    check("2024-01-02 03:04:05.678 UTC [99] app@shop ERROR:  deadlock detected", Level::Error, "deadlock detected");
    check("<20>1 2024-01-02T03:04:05.678Z mx1 smtpd 12 - [a@1 b=\"c\"] too slow", Level::Warn, "too slow");
    check("2024-01-02T03:04:05.678901Z 12 [Note] [MY-010055] [Server] ready", Level::Info, "[MY-010055] [Server] ready");
    check("[12:00:01 ERR] Unhandled", Level::Error, "Unhandled");
    check(
        "{\"level\":50,\"time\":1700000000000,\"msg\":\"pool\",\"err\":{\"type\":\"Error\",\"message\":\"timeout\"}}",
        Level::Error,
        "pool: Error: timeout",
    );
    check("{\"log\":\"2024-01-02 03:04:05 WARN slow\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:06Z\"}", Level::Warn, "slow");
    check(
        "ts=2024-01-02T03:04:05Z level=error msg=\"cannot dial\" err=\"dial tcp 10.0.0.1:80: refused\"",
        Level::Error,
        "cannot dial: dial tcp 10.0.0.1:80: refused",
    );
    check("##[error]Process completed with exit code 1.", Level::Error, "Process completed with exit code 1.");
    check("an error in the middle of ERROR prose", Level::Info, "an error in the middle of ERROR prose");
    check("\u{1b}[31mERROR\u{1b}[0m red", Level::Error, "red");
}

#[test]
fn times_and_services_are_taken() {
    let line = first("[pod/shop-1/app] 2024-01-02T03:04:05Z hello");
    assert_eq!((line.service.as_str(), line.time.unwrap().to_string().as_str()), ("shop-1", "2024-01-02T03:04:05Z"));
    let line = first("{\"severity\":\"ERROR\",\"timestamp\":\"2024-01-02T03:04:05Z\",\"service\":\"shop\",\"body\":\"x\"}");
    assert_eq!((line.service.as_str(), line.level), ("shop", Level::Error));
}

#[test]
fn traces_become_one_record() {
    let java = "2024-01-02 03:04:05 ERROR failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: disk\n\t... 3 more\n2024-01-02 03:04:06 INFO next";
    let lines = read("x", java).unwrap().lines;
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 6]);
    assert!(lines[0].text.contains("Caused by: java.io.IOException: disk"));
    let python = "starting\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nKeyError: 'x'\nstopped";
    let lines = read("x", python).unwrap().lines;
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1].level, Level::Error);
    assert!(lines[1].text.ends_with("KeyError: 'x'"));
    let go = "panic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d\nexit status 2";
    assert_eq!(read("x", go).unwrap().lines.len(), 2);
}

/// Any value under any key that means something.
fn member() -> impl Strategy<Value = (String, serde_json::Value)> {
    let keys =
        ["time", "ts", "@timestamp", "level", "severity", "s", "msg", "message", "error", "stack", "service", "app", "kubernetes", "x"];
    let value = prop_oneof![
        "[a-z]{1,8}( [a-z]{1,5})?".prop_map(serde_json::Value::from),
        "(info|ERROR|W|30|warn)".prop_map(serde_json::Value::from),
        "2026-0[1-9]-1[0-9][T ]0[0-9]:1[0-9]:2[0-9](Z|\\.[0-9]{3}|\\+0[0-9]:00|,[0-9]{3})?".prop_map(serde_json::Value::from),
        (0_u64..2_000_000_000_000).prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!({"name": "shop", "message": "boom"})),
        Just(serde_json::json!(true)),
    ];
    (proptest::sample::select(keys.to_vec()).prop_map(str::to_owned), value)
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read("x", &text);
        read("x", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_head_is_too_odd(text in "(\\[|- |I|pod/)?(20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9])?[ é\\[\\]{}\":=|,.A-Za-z0-9é]{0,60}") {
        read("x", &text);
    }

    #[test]
    fn a_lean_reader_reads_the_same_words(members in proptest::collection::vec(member(), 0..8)) {
        let line = serde_json::Value::Object(members.into_iter().collect()).to_string();
        let read = |mut reader: Reader| {
            let mut lines = Vec::new();
            reader.line(1, &line, &mut |record| lines.push(std::mem::take(record)));
            reader.finish(&mut |record| lines.push(LogLine { fields: Value::Null, ..std::mem::take(record) }));
            lines
        };
        prop_assert_eq!(read(Reader::lean()), read(Reader::default()));
    }
}
