//! Lines with which compilers and test runners pronounce.

use super::header::Header;
use crate::model::observation::Level;

/// What compilers and test runners begin their verdicts with: part of the sentence, not a logger's column.
pub fn read(head: &mut Header<'_>) -> bool {
    const FAILED: &[&str] = &["error[", "--- FAIL: ", "[  FAILED  ]", "FAIL\t", "FAILED: ", "FAIL src/", "FAIL tests/"];
    const OTHERS: &[&str] = &[
        "warning[",
        "--- PASS: ",
        "--- SKIP: ",
        "=== RUN ",
        "[ RUN      ]",
        "[       OK ]",
        "[  PASSED  ]",
        "[----------]",
        "[==========]",
    ];
    let text = head.message.trim_start();
    if !text.starts_with(['e', 'w', '-', '=', '[', 'F']) {
        return false;
    }
    if FAILED.iter().any(|start| text.starts_with(start)) {
        head.level = Some(Level::Error);
        return true;
    }
    OTHERS.iter().any(|start| text.starts_with(start))
}
