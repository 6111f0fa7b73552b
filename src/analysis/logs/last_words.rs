//! The last words of a job that ended with an error code, where no sign knows what its lines mean.

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::one_line,
    kinds::{self, Kind},
};
use crate::model::{
    Category, EvidenceKind,
    observation::{Level, LogLine, LogStream},
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
    "not permitted",
    "not allowed",
    "forbidden",
    "disallowed",
    "exceed",
    "violat",
    "outdated",
    "too large",
    "too many",
    "must ",
    "required",
];
/// What follows a failure and does not say why.
const AFTERMATH: &[&str] = &[
    "post job cleanup",
    "cleaning up",
    "terminate orphan",
    "uploading",
    "process completed",
    "exit code",
    "exited with",
    "elifecycle",
    "##[",
    "for help visit",
    "for more information",
    "section_end:",
    "section_start:",
    "[help ",
    "re-run maven",
    "full stack trace",
];
/// How far before the end an error that calls itself one still explains it.
const ERRORS: usize = 40;
/// Errors with no more lines than this between them tell of one thing. Source: terraform's and rustc's blocks.
const APART: usize = 8;
/// How many lines a printed diff may have.
const DIFF: usize = 200;
/// And its last hunk. Source: three lines of context on both sides of what changed.
const HUNK: usize = 30;

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
        WHY.iter().any(|word| lower.contains(word)) && speaks(line)
    };
    let spoken = before.iter().rev().find(|line| speaks(line)).or_else(|| before.last());
    // A check that prints what differs says it with the name of the file.
    let line = diff_head(stream.lines.get(end.saturating_sub(DIFF)..end)?)
        .or_else(|| first_of_the_last_errors(stream.lines.get(end.saturating_sub(ERRORS)..end)?))
        .or_else(|| before.iter().rev().find(says_why))
        .or(spoken)?;
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

/// Neither a warning nor what follows a failure.
fn speaks(line: &LogLine) -> bool {
    let lower = line.text.trim().to_lowercase();
    let warns = ["warn", "npm warn", "deprecat", "notice", "info"].iter().any(|start| lower.starts_with(start));
    !lower.is_empty() && !warns && line.level != Level::Warn && !AFTERMATH.iter().any(|word| lower.contains(word))
}

/// Of the errors just before the end, those that stand together: one that names a file and line, or else the first.
fn first_of_the_last_errors(before: &[LogLine]) -> Option<&LogLine> {
    let mut group: Vec<(usize, &LogLine)> = Vec::new();
    for (at, line) in before.iter().enumerate().rev().filter(|(_, line)| calls_itself_an_error(line)) {
        if group.last().is_some_and(|(later, _)| later - at > APART) {
            break;
        }
        group.push((at, line));
    }
    let placed = |(at, line): &&(usize, &LogLine)| {
        names_a_place(&line.text) || before.get(at + 1).is_some_and(|next| next.text.trim_start().starts_with("--> "))
    };
    group.iter().rev().find(placed).or(group.last()).map(|(_, line)| *line)
}

fn calls_itself_an_error(line: &LogLine) -> bool {
    let text = line.text.trim_start_matches([' ', '│', '|', '>', '✖', '*']).to_lowercase();
    let starts = ["error:", "fatal:", "error[", "failed:", "✘", "e: "].iter().any(|start| text.starts_with(start));
    (starts || line.level >= Level::Error) && speaks(line) && !text.contains("could not compile") && !text.contains("build failed")
}

/// `src/Job.java:71:5`: a file and a line in it.
fn names_a_place(text: &str) -> bool {
    text.split([' ', '(', '[', ',']).any(|token| {
        let Some((path, rest)) = token.split_once(':').or_else(|| token.split_once('(')) else { return false };
        let named = path.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && (1..=6).contains(&end.len()));
        named && !path.contains("//") && path.chars().any(char::is_alphabetic) && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// The head of the first file of a diff that the job printed just before its end.
fn diff_head(before: &[LogLine]) -> Option<&LogLine> {
    let hunk = before.iter().rposition(|line| line.text.starts_with("@@ "))?;
    let close = before.len() - hunk <= HUNK;
    close.then(|| before.iter().find(|line| is_head(line))).flatten()
}

fn is_head(line: &LogLine) -> bool {
    line.text.starts_with("diff --git ") || line.text.starts_with("+++ ")
}

/// The runner's own word that a step ended badly.
fn is_end(line: &LogLine) -> bool {
    let text = line.text.as_str();
    ["Process completed with exit code ", "The process '", "Job failed", "Exited with code ", "script returned exit code "]
        .iter()
        .any(|start| text.strip_prefix("ERROR: ").unwrap_or(text).starts_with(start))
        && !text.contains("exit code 0")
}
