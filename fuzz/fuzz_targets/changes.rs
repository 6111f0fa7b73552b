//! Diffs of any language, beside a log line that they may explain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::{
    analysis::{Focus, changes},
    model::observation::{Change, Level, LogLine, LogStream, Observations, Series},
};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let now = jiff::Timestamp::from_second(1_780_000_000).ok();
    let parts: Vec<&str> = text.split("\n%%\n").collect();
    let changes = parts.iter().enumerate().map(|(at, diff)| Change { id: at.to_string(), diff: (*diff).to_owned(), summary: diff.chars().take(60).collect(), time: now, ..Change::default() });
    let line = LogLine { text: text.chars().take(200).collect(), level: Level::Error, time: now, ..LogLine::default() };
    let observations = Observations {
        changes: changes.collect(),
        logs: vec![LogStream { lines: vec![line], ..LogStream::default() }],
        metrics: vec![Series { metric: text.chars().take(40).collect(), points: now.into_iter().map(|now| (now, f64::NAN)).collect(), ..Series::default() }],
        ..Observations::default()
    };
    let focus = Focus { text: text.chars().rev().take(200).collect(), now, ..Focus::default() };
    let _ = changes::findings(&observations, &focus);
});
