//! What `kubectl` prints (tables, `describe`, YAML and JSON, several commands pasted into one file) and logs, read into observations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::tools::bundle::Bundle;

fuzz_target!(|data: &[u8]| {
    let _ = Bundle::of_files([("pods.txt", data)]);
});
