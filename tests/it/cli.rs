//! The commands as a person types them, wrong input included.

use std::{fs, io::Write, net::TcpListener, path::Path, process::Stdio};

use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str], input: &str) -> Ran {
    run_in(Path::new("."), arguments, input)
}

fn run_in(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_sre-agent"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().expect("it was not killed by a signal"), out: text(&output.stdout), err: text(&output.stderr) }
}

fn bundle(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

#[test]
fn every_permission_is_listed_with_its_roles() {
    let listed = run(&["access"], "");
    let line = |permission: &str| listed.out.lines().find(|line| line.starts_with(permission)).unwrap_or_default().to_owned();
    assert_eq!(listed.code, 0);
    assert!(line("incident:read ").ends_with("admin developer user"), "{}", listed.out);
    assert!(line("run:cancel ").ends_with("admin"), "{}", listed.out);
}

#[test]
fn help_teaches() {
    let help = run(&["--help"], "");
    assert_eq!(help.code, 0);
    for command in ["demo", "serve", "investigate", "parse-alert", "route", "logs", "eval", "config", "access", "doctor"] {
        assert!(help.out.contains(command), "{command} is not in {}", help.out);
        assert_eq!(run(&[command, "--help"], "").code, 0, "{command} --help");
    }
}

#[test]
fn the_demo_prints_each_examples_thread_with_its_cause() {
    let listed = run(&["demo", "--scenario", "list"], "");
    let expected = [("memory-limit", "512Mi"), ("missing-index", "customerRef"), ("dns-policy", "default-deny-egress")];
    for (name, cause) in expected {
        assert!(listed.out.lines().any(|line| line == name), "{}", listed.out);
        let played = run(&["demo", "--once", "--scenario", name], "");
        assert_eq!(played.code, 0, "{}", played.err);
        let report = played.out.split("Root cause").nth(1).unwrap_or_else(|| panic!("{name} has no root cause: {}", played.out));
        let statement = report.lines().nth(1).unwrap();
        assert!(statement.contains(cause), "{name}: `{cause}` is not in `{statement}`\n{}", played.out);
        assert!(report.contains("Do now"), "{}", played.out);
    }
}

#[test]
fn an_unknown_example_is_one_sentence_that_names_the_others() {
    let ran = run(&["demo", "--once", "--scenario", "nonsense"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("there is no example `nonsense`") && ran.err.contains("memory-limit"), "{}", ran.err);
    assert_eq!(ran.err.trim().lines().count(), 1);
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run(&["demo", "--once", "--port", &port], "");
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err.trim(), format!("sre-agent: port {port} is in use: choose another one with --port"));
}

#[test]
fn a_wrong_configuration_is_told_whole() {
    let folder = bundle(&[("settings.yaml", b"server: {listen: 99}\nslack: {tokn: x}\npipeline: {workers: 0}\n")]);
    let ran = run_in(folder.path(), &["config", "check", "--config", "settings.yaml"], "");
    assert_eq!(ran.code, 1);
    for wanted in [
        "`server.listen`",
        "`slack.bot_token`",
        "`slack.signing_secret`",
        "`pipeline.workers` wants a whole number from 1 to 64",
        "`slack.tokn` is not a setting",
    ] {
        assert!(ran.err.contains(wanted), "{wanted} is not in {}", ran.err);
    }
}

#[test]
fn rule_files_beside_the_settings_are_checked_too() {
    let settings = b"slack: {bot_token: xoxb-1, signing_secret: '12345678', channel: C1}\n";
    let folder = bundle(&[
        ("settings.yaml", settings),
        ("agents.yaml", b"agents: 7\n"),
        ("routing.yaml", b"nonsense: [\n"),
        ("thresholds.yaml", b"bar: many\n"),
    ]);
    let ran = run_in(folder.path(), &["config", "check", "--config", "settings.yaml"], "");
    assert_eq!(ran.code, 1);
    for wanted in ["agents.yaml", "routing.yaml", "thresholds.yaml"] {
        assert!(ran.err.contains(wanted), "{wanted} is not in {}", ran.err);
    }
}

#[test]
fn hostile_files_in_a_bundle_are_gaps_and_the_rest_is_read() {
    let pods = crate::world::oom_evidence().to_string();
    let half = &pods[..pods.len() / 2];
    let deep = "[".repeat(200_000);
    let folder = bundle(&[
        ("pods.json", pods.as_bytes()),
        ("truncated.json", half.as_bytes()),
        ("deep.json", deep.as_bytes()),
        ("random.bin", &(0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>()),
        ("not.gz", b"\x1f\x8b\x08broken"),
        ("empty.txt", b""),
        ("nul.log", &[0u8; 4096]),
        ("long.log", &[b'x'; 3_000_000]),
        ("bad.yaml", b"a: &a [*a, *a]\nb: !!binary \xff"),
    ]);
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.txt")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("loop")).unwrap();
    let path = folder.path().display().to_string();
    let ran = run(&["investigate", "--bundle", &path, "--question", "why does checkout restart?", "--format", "json"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(result["hypotheses"][0]["category"], "oom_killed", "{result:#}");
    let gaps = result["gaps"].to_string();
    for name in ["truncated.json", "not.gz", "random.bin"] {
        assert!(gaps.contains(name), "{name} is not in {gaps}");
    }
    assert!(!ran.out.contains("root:x:0"), "a link was followed");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = bundle(&[("pods.json", crate::world::oom_evidence().to_string().as_bytes())]);
    let path = folder.path().display().to_string();
    let once = || {
        let ran = run(&["investigate", "--bundle", &path, "--format", "json"], "");
        let mut result: Value = serde_json::from_str(&ran.out).unwrap();
        result.as_object_mut().unwrap().remove("durations_ms");
        result.to_string()
    };
    assert_eq!(once(), once());
}

#[test]
fn every_format_shows_the_cause_and_a_missing_bundle_is_one_sentence() {
    let folder = bundle(&[("pods.json", crate::world::oom_evidence().to_string().as_bytes())]);
    let path = folder.path().display().to_string();
    for format in ["text", "markdown", "json", "slack"] {
        let ran = run(&["investigate", "--bundle", &path, "--format", format], "");
        assert!(ran.code == 0 && ran.out.contains("OOMKilled"), "{format}: {} {}", ran.out, ran.err);
    }
    let ran = run(&["investigate", "--bundle", "/no/such/place"], "");
    assert_eq!((ran.code, ran.err.trim().lines().count()), (1, 1));
    assert!(ran.err.contains("/no/such/place"));
}

#[test]
fn an_alert_comes_in_by_standard_input_and_a_broken_one_is_explained() {
    let folder = bundle(&[("pods.json", crate::world::oom_evidence().to_string().as_bytes())]);
    let path = folder.path().display().to_string();
    let alert =
        r#"{"name": "KubePodCrashLooping", "namespace": "shop", "severity": "critical", "labels": {"pod": "checkout-7f5b9c4d68-4xk9p"}}"#;
    let ran = run(&["investigate", "--bundle", &path, "--alert", "-", "--format", "json"], alert);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&result["alert"]["priority"], &result["hypotheses"][0]["category"]), (&"P0".into(), &"oom_killed".into()));
    let ran = run(&["investigate", "--bundle", &path, "--alert", "-"], "{\"name\": ");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("line 1"), "{}", ran.err);
}

#[test]
fn no_secret_of_the_evidence_reaches_a_report() {
    let log = "2026-01-15T14:03:11Z ERROR cannot connect to mongodb://app:s3cr3tPw9@db:27017/shop: connection refused\n2026-01-15T14:03:12Z FATAL giving up: password=hunter2hunter2\n";
    let folder = bundle(&[("app.log", log.as_bytes())]);
    let path = folder.path().display().to_string();
    for format in ["text", "markdown", "json", "slack"] {
        let ran = run(&["investigate", "--bundle", &path, "--format", format], "");
        assert!(!ran.out.contains("s3cr3tPw9") && !ran.out.contains("hunter2"), "{format}: {}", ran.out);
    }
}
