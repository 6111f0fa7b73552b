//! What is new, rare and wrong in one log, for a person at a terminal.

use std::fmt::Write;

use jiff::Timestamp;

use super::{
    extract::one_line,
    signs,
    templates::{Template, Templates},
};
use crate::model::observation::{Level, LogLine, LogStream};

/// Anomalies that are shown.
const MOST: usize = 20;
/// A template that begins after this share of the log is new in it.
const NEW_AFTER: f64 = 0.5;
/// In a log of at least this many lines, a template of one or two lines is rare.
const RARE_IN: usize = 500;
/// Parts of the log's time among which a burst is looked for, and how many times the even share makes one.
const PARTS: usize = 60;
const BURST: f64 = 8.0;
/// A burst of fewer lines is chance.
const BURST_LINES: u32 = 30;

/// One conspicuous template.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// `error`, `new`, `rare`, `burst`: everything that applies.
    pub marks: Vec<&'static str>,
    pub level: Level,
    /// What the line means, where a sign knows it.
    pub meaning: String,
    pub count: u32,
    /// Number of its first line in the file.
    pub line: u32,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub template: String,
    pub excerpt: String,
    score: f64,
}

/// The conspicuous templates of a log, the worst first. `mined` holds the templates of `stream`'s lines.
pub fn find(stream: &LogStream, mined: &Templates) -> Vec<Anomaly> {
    let mut found: Vec<Anomaly> = Vec::new();
    let levels = levels(stream, mined);
    let bursts = bursts(stream, mined);
    let mut first_error = true;
    for (index, template) in mined.templates.iter().enumerate() {
        let Some(line) = stream.lines.get(template.first as usize) else { continue };
        let level = levels.get(index).copied().unwrap_or_default();
        let burst = bursts.get(index).copied().unwrap_or(false);
        if let Some(anomaly) = judge(stream, template, line, level, burst, &mut first_error) {
            found.push(anomaly);
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.line.cmp(&b.line)));
    found.truncate(MOST);
    found
}

fn judge(stream: &LogStream, template: &Template, line: &LogLine, level: Level, burst: bool, first_error: &mut bool) -> Option<Anomaly> {
    let total = stream.lines.len();
    let reading = signs::read(&line.text, (line.level_stated || level != Level::Info).then_some(level));
    let wrong = level >= Level::Error || reading.as_ref().is_some_and(|reading| reading.strength >= 0.5);
    #[expect(clippy::cast_precision_loss, reason = "counts of lines")]
    let begins = f64::from(template.first) / total.max(1) as f64;
    let is_new = total >= 50 && begins > NEW_AFTER && template.count > 1;
    let is_rare = total >= RARE_IN && template.count <= 2;
    let mut marks = Vec::new();
    let mut score = reading.as_ref().map_or(0.0, |reading| reading.strength);
    if wrong {
        marks.push(if std::mem::take(first_error) { "first error" } else { "error" });
        score += 0.5;
    } else if level == Level::Warn {
        marks.push("warning");
        score += 0.15;
    }
    for (is, mark, points) in [(is_new, "new", 0.2), (is_rare, "rare", 0.15), (burst, "burst", 0.25)] {
        if is {
            marks.push(mark);
            score += points;
        }
    }
    // a rare line of no bad meaning is worth a look only where it is among few
    if marks.is_empty() || (!wrong && level < Level::Warn && score < 0.3) {
        return None;
    }
    let last = stream.lines.get(template.last as usize);
    Some(Anomaly {
        marks,
        level,
        meaning: reading.map(|reading| reading.title).unwrap_or_default(),
        count: template.count,
        line: line.number,
        first: line.time,
        last: last.and_then(|line| line.time),
        template: template.text.clone(),
        excerpt: one_line(&line.text, 300),
        score,
    })
}

fn levels(stream: &LogStream, mined: &Templates) -> Vec<Level> {
    let mut levels = vec![Level::Trace; mined.templates.len()];
    for (line, id) in stream.lines.iter().zip(&mined.of_line) {
        if let Some(level) = levels.get_mut(*id as usize) {
            *level = (*level).max(line.level);
        }
    }
    levels
}

/// Which templates crowd into one short part of the log's time.
fn bursts(stream: &LogStream, mined: &Templates) -> Vec<bool> {
    let times = || stream.lines.iter().filter_map(|line| line.time);
    let (Some(start), Some(end)) = (times().min(), times().max()) else { return Vec::new() };
    let span = end.duration_since(start).as_secs_f64();
    if span <= 0.0 {
        return Vec::new();
    }
    let mut parts: Vec<[u32; PARTS]> = vec![[0; PARTS]; mined.templates.len()];
    for (line, id) in stream.lines.iter().zip(&mined.of_line) {
        let Some(time) = line.time else { continue };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 0 to 1 of the parts")]
        let part = (time.duration_since(start).as_secs_f64() / span * (PARTS as f64 - 1.0)) as usize;
        if let Some(count) = parts.get_mut(*id as usize).and_then(|parts| parts.get_mut(part)) {
            *count += 1;
        }
    }
    let crowds = |parts: &[u32; PARTS]| {
        let total: u32 = parts.iter().sum();
        let most = parts.iter().copied().max().unwrap_or(0);
        most >= BURST_LINES && f64::from(most) >= f64::from(total) / PARTS as f64 * BURST
    };
    parts.iter().map(crowds).collect()
}

/// The anomalies as text.
pub fn render(stream: &LogStream, mined: &Templates, found: &[Anomaly]) -> String {
    let mut out = String::new();
    let times = || stream.lines.iter().filter_map(|line| line.time);
    let span = match (times().min(), times().max()) {
        (Some(start), Some(end)) => format!(", {start} to {end}"),
        _ => String::new(),
    };
    let errors = stream.lines.iter().filter(|line| line.level >= Level::Error).count();
    let warnings = stream.lines.iter().filter(|line| line.level == Level::Warn).count();
    // writing to a String cannot fail
    let _ =
        writeln!(out, "{} records, {} templates, {errors} errors, {warnings} warnings{span}", stream.lines.len(), mined.templates.len());
    if found.is_empty() {
        let _ = writeln!(out, "nothing conspicuous");
    }
    for (rank, anomaly) in (1..).zip(found) {
        let when = match (anomaly.first, anomaly.last) {
            (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
            (Some(first), _) => format!(", {first}"),
            _ => String::new(),
        };
        let _ = writeln!(out, "\n{rank:2}. {} · {}× · line {}{when}", anomaly.marks.join(", "), anomaly.count, anomaly.line);
        if !anomaly.meaning.is_empty() {
            let _ = writeln!(out, "    {}", anomaly.meaning);
        }
        let _ = writeln!(out, "    {}", anomaly.excerpt);
        if anomaly.count > 1 {
            let _ = writeln!(out, "    template: {}", one_line(&anomaly.template, 200));
        }
    }
    out
}
