//! The project's own scenarios, replayed by the binary: small clusters made by hand, a third of them healthy.

use std::process::Command;

use serde_json::Value;

/// How many of the scenarios must be answered right at rank 1, percent.
const FLOOR_PERCENT: u64 = 98;
/// The least number of scenarios, so that a lost folder does not pass.
const AT_LEAST: u64 = 522;

#[test]
fn own_scenarios_are_answered_and_nothing_wrong_is_asserted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let output = Command::new(env!("CARGO_BIN_EXE_sre-agent")).args(["eval", folder, "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |name: &str| scores["total"][name].as_u64().unwrap();
    let missed: Vec<String> = scores["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|scenario| scenario["top1"] != true)
        .map(|scenario| format!("{}: {}", scenario["id"], scenario["statement"]))
        .collect();
    assert!(number("n") >= AT_LEAST, "only {} scenarios were found", number("n"));
    assert!(number("top1") * 100 >= number("n") * FLOOR_PERCENT, "missed:\n{}", missed.join("\n"));
    assert_eq!(number("asserted_wrong"), 0, "missed:\n{}", missed.join("\n"));
}

#[test]
fn the_examples_that_come_with_the_program_are_explained() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/bundles");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sre-agent")).args(["eval", folder, "--json"]).output().unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["total"]["n"], &result["total"]["top1"]), (&3.into(), &3.into()), "{}", result["total"]);
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let bundle = |name: &str| format!("{}/tests/scenarios/{name}/bundle", env!("CARGO_MANIFEST_DIR"));
    let told = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
            .args(["investigate", "--bundle", &bundle(name), "--question", "what is wrong with gateway and checkout?", "--format", "json"])
            .output()
            .unwrap();
        let mut told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told.as_object_mut().unwrap().remove("durations_ms");
        told.to_string()
    };
    for name in ["signals/ledger_throws", "signals/slow_way_to_payments", "dumps/two_causes_pick_asked", "dumps/live_cluster_housekeeping"]
    {
        assert_eq!(told(name), told(name), "{name}");
    }
}
