//! What a log says to be working again: a failure that was followed by its own success is no cause any more.

use jiff::Timestamp;

use super::signs::Reading;
use crate::model::observation::{Level, LogLine, LogStream};

/// Words of success that name what came back.
const BACK: &[&str] = &[
    "reconnected",
    "recovered",
    "re-established",
    "reestablished",
    "restored",
    "back online",
    "is back",
    "healthy again",
    "succeeded",
    "successful",
    "connected to",
    "connection established",
    "is up",
    "available again",
    "resumed",
];
/// With these in it a line tells of another failure.
const STILL: &[&str] = &["fail", "error", "not ", "cannot", "unable", "refused", "lost", "disconnect", "discard", "will be", "waiting"];
/// A failing line that announces another try.
const TRIES: &[&str] = &["retry", "retries", "attempt", "try again", "trying again", "reconnect"];

/// So long ago is history when the log goes on without it. Source: own choice, half a day; alerts are raised within minutes.
const OLD_SECONDS: i64 = 43_200;
/// So many lines after it are a log that goes on.
const WENT_ON: usize = 10;

/// The lines of one log that tell of a success.
pub struct Recovery {
    lines: Vec<(usize, String)>,
}

impl Recovery {
    pub fn of_log(stream: &LogStream) -> Self {
        let tells = |line: &LogLine| {
            let lower = line.text.lines().next().unwrap_or("").to_ascii_lowercase();
            let good =
                line.level <= Level::Info && BACK.iter().any(|word| lower.contains(word)) && !STILL.iter().any(|word| lower.contains(word));
            good.then_some(lower)
        };
        Self { lines: stream.lines.iter().enumerate().filter_map(|(index, line)| Some((index, tells(line)?))).collect() }
    }

    /// After the `last` line about a thing the log says, before `now`, that this very thing works.
    pub fn of(&self, stream: &LogStream, reading: &Reading, line: &LogLine, last: usize, now: Option<Timestamp>) -> bool {
        // a fault that ends a program is not healed by a later success of something else
        if line.level >= Level::Fatal {
            return false;
        }
        if is_history(stream, last, now) {
            return true;
        }
        let host = reading.thing.rsplit_once(':').map_or(reading.thing.as_str(), |(host, _)| host).to_ascii_lowercase();
        let lower = line.text.to_ascii_lowercase();
        let tries = TRIES.iter().any(|word| lower.contains(word));
        self.lines.iter().filter(|(index, _)| *index > last).any(|(index, text)| {
            let time = stream.lines.get(*index).and_then(|line| line.time);
            let early = time.zip(now).is_none_or(|(time, now)| time <= now);
            early && if host.is_empty() { tries && shares_a_word(&lower, text) } else { text.contains(&host) }
        })
    }
}

/// The log went on for long after it without it, and what is asked about is now.
fn is_history(stream: &LogStream, last: usize, now: Option<Timestamp>) -> bool {
    let Some((time, now)) = stream.lines.get(last).and_then(|line| line.time).zip(now) else { return false };
    now.duration_since(time).as_secs() >= OLD_SECONDS && stream.lines.len() - last > WENT_ON
}

/// A word of at least four letters stands in both.
fn shares_a_word(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 3).map(str::to_owned).collect()
    };
    let known = words(b);
    words(a).iter().any(|word| known.contains(word))
}
