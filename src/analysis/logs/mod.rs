//! Checks over logs: templates, what is new or rare, and what an error line says.
//!
//! `templates` groups the lines of a log, `signs` reads what a line means and what it is about, `kinds` counts lines that
//! mean the same over all logs, `recovery` tells which of them are over, `slow` finds operations that take long, `access`
//! counts failed requests, `last_words` is for jobs whose end nothing else explains, `search` answers questions for a phrase or a list.

pub mod anomalies;
pub mod templates;

mod access;
mod extract;
mod kinds;
mod last_words;
mod recovery;
mod search;
pub mod signs;
mod slow;

use super::{Finding, Focus};
use crate::model::observation::LogStream;

/// What the logs say about a cause. mongod logs have checks of their own (`analysis::mongodb`).
pub fn findings(streams: &[LogStream], focus: &Focus) -> Vec<Finding> {
    let texts: Vec<&LogStream> = streams.iter().filter(|stream| stream.dialect != "mongod" && !stream.lines.is_empty()).collect();
    let kinds = kinds::collect(&texts, focus);
    let mut found = search::check(&texts, &kinds, focus);
    found.extend(kinds.iter().map(|kind| kind.finding(focus)));
    found.extend(last_words::check(&texts, &kinds, focus));
    found.extend(slow::check(&texts, focus));
    found.extend(access::check(&texts, focus));
    found
}

#[cfg(test)]
mod tests;
