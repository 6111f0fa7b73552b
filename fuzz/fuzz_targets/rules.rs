//! Files that a user writes: thresholds, routing, services; and scenarios' questions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::{agents::router::Router, analysis::Thresholds, report::Services};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = Thresholds::from_yaml(&text);
    let _ = Services::from_yaml(&text);
    let _ = Router::from_yaml(&text).map(|router| router.route_question(&text));
});
