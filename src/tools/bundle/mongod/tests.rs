use proptest::prelude::*;

use super::*;

#[test]
fn json_lines_keep_mongods_names() {
    let text = r#"{"t":{"$date":"2026-01-02T03:04:05.000+01:00"},"s":"I",  "c":"CONTROL",  "id":4615611, "ctx":"initandlisten","msg":"MongoDB starting","attr":{"pid":1,"port":27017,"host":"db-0"}}
{"t":{"$date":"2026-01-02T03:04:06.000+01:00"},"s":"E","c":"STORAGE","id":22435,"ctx":"conn1","msg":"WiredTiger error","attr":{"error":28,"message":"cut he"#;
    let stream = read("mongod.log", text).unwrap();
    assert_eq!((stream.dialect.as_str(), stream.entity.name.as_str()), ("mongod", "db-0:27017"));
    assert_eq!(stream.lines[0].time.unwrap().to_string(), "2026-01-02T02:04:05Z");
    assert_eq!((stream.lines[1].level, stream.lines[1].fields["id"].as_u64()), (Level::Error, Some(22435)));
}

#[test]
fn older_text_formats() {
    let text = "2019-05-02T10:44:20.117+0000 I  CONTROL  [initandlisten] MongoDB starting : pid=1 port=27018 dbpath=/data/db 64-bit host=db-1\n2019-05-02T10:44:21.117+0000 F STORAGE  [conn5521] Reason: 28: No space left on device";
    let stream = read("m", text).unwrap();
    assert_eq!((stream.entity.name.as_str(), stream.lines[1].level), ("db-1:27018", Level::Fatal));
    assert_eq!(stream.lines[1].fields["ctx"], "conn5521");
    let oldest =
        read("m", "Tue Feb  3 21:08:10.340 [rsBackgroundSync] replSet error RS102 too stale to catch up, at least from db-2:27017")
            .unwrap();
    assert_eq!(oldest.lines[0].level, Level::Error);
}

#[test]
fn other_logs_are_left_alone() {
    for text in
        ["2024-01-02 03:04:05 INFO [main] x", "INFO: started", "{\"level\":\"info\",\"msg\":\"x\"}", "2024-01-02T03:04:05Z I am [here] now"]
    {
        assert!(read("x", text).is_none(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,200}", tail in "[ -~]{0,80}") {
        read("x", &text);
        read("x", &format!("2019-05-02T10:44:20.117+0000 I  {tail}"));
        read("x", &format!("{{\"t\":{{\"$date\":\"2019-05-02T10:44:20.117+0000\"}},{tail}"));
    }
}
