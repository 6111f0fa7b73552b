//! Logs of many programs and of mongod, healthy ones among them: what the readers and checks make of each.

use std::{path::Path, process::Command};

/// The share of scenarios that must be explained at rank 1, in hundredths.
const FLOOR: u64 = 98;

#[test]
fn logs_of_many_programs_are_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios-logs");
    let output = Command::new(env!("CARGO_BIN_EXE_sre-agent")).arg("eval").arg(&folder).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let total = &result["total"];
    let (n, top1) = (total["n"].as_u64().unwrap(), total["top1"].as_u64().unwrap());
    let missed: Vec<&str> =
        result["scenarios"].as_array().unwrap().iter().filter(|one| one["top1"] == false).filter_map(|one| one["id"].as_str()).collect();
    assert!(n >= 190 && top1 * 100 >= n * FLOOR, "{total}, missed {missed:?}");
    assert_eq!(total["asserted_wrong"], 0, "{total}, missed {missed:?}");
}
