//! The last words of a job that ended with an error code, where no sign knows what its lines mean.

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::one_line,
    kinds::{self, Kind},
};
use crate::model::{
    Category, EvidenceKind,
    observation::{LogLine, LogStream},
};

/// From this strength on a kind of trouble explains the end by itself.
const EXPLAINED: f64 = 0.6;
/// How many lines before the end are looked at.
const BEFORE: usize = 12;
/// Words of lines that say why.
const WHY: &[&str] = &[
    "error",
    "fail",
    "cannot",
    "can't",
    "could not",
    "unable",
    "missing",
    "invalid",
    "denied",
    "no such",
    "not found",
    "unexpected",
    "refus",
    "mismatch",
    "undefined",
    "e: ",
];
/// What follows a failure and does not say why.
const AFTERMATH: &[&str] =
    &["post job cleanup", "cleaning up", "terminate orphan", "uploading", "process completed", "exit code", "elifecycle", "##["];

/// The line before the end that says why, in the logs of jobs whose end nothing explains.
pub fn check(streams: &[&LogStream], kinds: &[Kind], focus: &Focus) -> Vec<Finding> {
    if kinds.iter().any(|kind| kind.strength() >= EXPLAINED) {
        return Vec::new();
    }
    streams.iter().filter(|stream| kinds::is_job(stream, focus)).filter_map(|stream| of_log(stream, focus)).collect()
}

fn of_log(stream: &LogStream, focus: &Focus) -> Option<Finding> {
    let end = stream.lines.iter().position(is_end)?;
    let before = stream.lines.get(end.saturating_sub(BEFORE)..end)?;
    let says_why = |line: &&LogLine| {
        let lower = line.text.to_lowercase();
        WHY.iter().any(|word| lower.contains(word)) && !AFTERMATH.iter().any(|word| lower.contains(word))
    };
    let line = before.iter().rev().find(says_why).or_else(|| before.last())?;
    let words = one_line(&line.text, 240);
    let entity = focus.entities.first().cloned().unwrap_or_default();
    let seen = Seen::new(EvidenceKind::LogPattern, &stream.source, entity.clone(), format!("Line {}: {words}", line.number))
        .at(line.time, None)
        .quoting(line.text.clone());
    Some(
        Finding::new(
            Category::JobFailed,
            Role::Cause,
            entity,
            format!("The last thing that the job said before it ended with an error: \"{words}\""),
        )
        .strength(0.62)
        .saw(seen)
        .falsifier("An earlier line of the same step names another reason")
        .fix("Repeat the command of the step that printed this line")
        .prevent("Let the step say what it needs and did not get"),
    )
}

/// The runner's own word that a step ended badly.
fn is_end(line: &LogLine) -> bool {
    let text = line.text.as_str();
    ["Process completed with exit code ", "The process '", "Job failed", "Exited with code ", "script returned exit code "]
        .iter()
        .any(|start| text.strip_prefix("ERROR: ").unwrap_or(text).starts_with(start))
        && !text.contains("exit code 0")
}
