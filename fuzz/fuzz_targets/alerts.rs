//! Bodies of every alert sender, and of none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::inbound::alerts;

fuzz_target!(|data: &[u8]| {
    let _ = alerts::parse("auto", data);
    let _ = alerts::from_api(data);
});
