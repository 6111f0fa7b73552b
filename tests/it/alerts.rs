//! `parse-alert` and `route` from outside: one line out for each thing in, whatever it is.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn parse_alert_answers_for_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let alert = file("alert.json", r#"[{"status": "firing", "labels": {"alertname": "DiskFull", "severity": "page"}}]"#);
    let chat = file("chat.json", r#"{"text": "hello"}"#);
    let broken = file("broken.json", "\n{\"status\": }");
    let missing = folder.path().join("missing.json").to_str().unwrap().to_owned();
    let output = run(&["parse-alert", &alert, &chat, &broken, &missing, "-"], "");
    assert!(output.status.success());
    let lines = lines(&output);
    let files: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, [&alert, &chat, &broken, &missing, "-"]);
    assert_eq!(lines.iter().map(|line| line["is_alert"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false, false, false, false]);
    assert_eq!((lines[0]["alerts"][0]["name"].as_str(), lines[0]["alerts"][0]["priority"].as_str()), (Some("DiskFull"), Some("P0")));
    assert!(lines[1]["error"].is_null());
    assert!(lines[2]["error"].as_str().unwrap().contains("line 2 column 12"), "{}", lines[2]);
    assert!(lines[3]["error"].is_string() && lines[4]["error"].is_string());
}

#[test]
fn route_stays_line_by_line() {
    let output = run(&["route", "-"], "{\"name\": \"RedisDown\"}\nnonsense\n{\"labels\": {\"alertname\": \"Watchdog\"}}\n");
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["agents"], serde_json::json!(["database"]));
    assert!(lines[1]["error"].as_str().unwrap().starts_with("line 2: "));
    assert_eq!((lines[2]["name"].as_str(), lines[2]["agents"].as_array().map(Vec::len)), (Some("Watchdog"), Some(0)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2"));
}
