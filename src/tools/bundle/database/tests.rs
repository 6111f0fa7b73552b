use super::*;

#[test]
fn performance_insights_keeps_statements_with_bars_in_them() {
    let text = "Performance Insights, shop-prod, 2026-03-26T10:00:00Z to 2026-03-26T10:15:00Z\n\
        top SQL: SELECT a || '|' || b FROM t | average load 3.5 | calls per second 0.2 | waits: CPU 3.0, IO:DataFileRead 0.5\n\
        top wait event: CPU | average load 3.0\ntop user: web | average load 3.5\n";
    let document = read("pi.txt", text).unwrap();
    assert_eq!(document.kind, "performance_insights");
    assert_eq!(document.body["instance"], "shop-prod");
    assert_eq!(document.body["statements"][0]["text"], "SELECT a || '|' || b FROM t");
    assert_eq!(document.body["statements"][0]["calls"], 0.2);
    assert_eq!(document.body["statements"][0]["waits"][1][0], "IO:DataFileRead");
    assert_eq!(document.body["users"][0][0], "web");
}

#[test]
fn views_are_told_by_their_columns() {
    let psql = " pid | usename | state | query\n-----+---------+-------+-------\n 7 | app | active | SELECT 1\n(1 row)\n";
    assert_eq!(read("a", psql).unwrap().kind, "pg_stat_activity");
    let mysql = "+----+------+---------+------+-------+\n| Id | User | Command | Time | Info |\n+----+------+---------+------+-------+\n| 3 | app | Sleep | 9 | NULL |\n+----+------+---------+------+-------+\n";
    assert_eq!(read("a", mysql).unwrap().kind, "pg_stat_activity");
    let replica =
        "*************************** 1. row ***************************\n  Replica_IO_Running: Yes\n  Seconds_Behind_Source: 812\n";
    let document = read("a", replica).unwrap();
    assert_eq!((document.kind.as_str(), &document.body[0]["seconds_behind_source"]), ("show_replica_status", &Value::from("812")));
}

#[test]
fn events_of_instances_are_lines_of_a_log() {
    let text = r#"{"Events": [{"SourceIdentifier": "crm-prod", "SourceType": "db-instance", "Message": "Multi-AZ instance failover started.",
        "EventCategories": ["failover"], "Date": "2026-05-07T09:06:02.113Z"}]}"#;
    let log = events::read("events.json", text).unwrap();
    assert_eq!((log.lines[0].service.as_str(), log.lines[0].level), ("crm-prod", crate::model::observation::Level::Warn));
    assert!(log.lines[0].time.is_some());
    assert_eq!(events::read("a", "{\"Events\": []}"), None);
}

#[test]
fn other_tables_and_logs_are_left_alone() {
    assert_eq!(read("a", "NAME   READY\nweb-1  1/1\n"), None);
    assert_eq!(read("a", "2026-01-01T00:00:00Z INFO | started | ok\n"), None);
    assert_eq!(read("a", " a | b\n---+---\n 1 | 2\n"), None);
}

#[test]
fn innodb_status_names_who_holds_and_who_waits() {
    let text = "=====================================\n2026-05-01 10:00:00 0x7f INNODB MONITOR OUTPUT\n=====================================\n\
        ------------\nTRANSACTIONS\n------------\nTrx id counter 99\nHistory list length 2411873\n\
        ---TRANSACTION 421, ACTIVE 812 sec\n3 lock struct(s)\nMySQL thread id 77, OS thread handle 1, query id 5 10.0.0.9 batch\n\
        ---TRANSACTION 422, ACTIVE 9 sec starting index read\nLOCK WAIT 2 lock struct(s)\nMySQL thread id 78, OS thread handle 2, query id 6 10.0.0.8 web updating\nUPDATE stock SET n = 1\n\
        --------\nFILE I/O\n--------\nx\n";
    let body = read("a", text).unwrap().body;
    assert_eq!(body["history_list_length"], 2_411_873);
    assert_eq!(body["transactions"][0]["user"], "batch");
    assert_eq!(body["transactions"][1]["waiting"], true);
    assert_eq!(body["transactions"][1]["query"], "UPDATE stock SET n = 1");
}
