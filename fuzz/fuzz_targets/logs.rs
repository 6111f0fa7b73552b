//! Log lines of any convention: heads, times, levels, stack traces, templates, anomalies; mongod's logs of every generation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::{
    analysis::logs::{anomalies::Watch, templates::Miner},
    tools::bundle::{logs, mongod},
};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = mongod::read("m", &text);
    if let Some(stream) = logs::read("l", &text) {
        let mut miner = Miner::default();
        let mut watch = Watch::default();
        for line in &stream.lines {
            miner.add(&line.text);
            watch.add(line);
        }
        let mined = miner.finish();
        assert_eq!(mined.of_line.len(), stream.lines.len());
        let _ = watch.report().to_string();
    }
});
