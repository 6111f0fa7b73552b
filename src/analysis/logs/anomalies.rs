//! What is new, rare and wrong in one log, for a person at a terminal.
//!
//! A [`Watch`] sees the records go by and keeps eight bytes of each, so a log of any size can be watched.

mod render;

use jiff::Timestamp;

use super::{
    extract::one_line,
    signs::{self, Reading},
    templates::Miner,
};
use crate::model::observation::{Level, LogLine};

/// Anomalies that are shown.
const MOST: usize = 20;
/// A template that begins after this share of the log is new in it.
const NEW_AFTER: f64 = 0.5;
/// In a log of at least this many records, a template of one or two is rare.
const RARE_IN: u32 = 500;
/// A rare line at most this many records before the first error may be what brought it about. Source: own choice.
const PRELUDE: u32 = 50;
/// Templates whose first record is read for its meaning, whatever its level. Source: own measurement, a second.
const MOST_READ: usize = 20_000;
/// Parts of the log's time among which a burst is looked for, and how many times the even share makes one.
const PARTS: usize = 60;
const BURST: f64 = 8.0;
/// A burst of fewer lines is chance.
const BURST_LINES: u32 = 30;
/// A template is more frequent when its second half has this many times the lines of the first half.
const MORE: u32 = 4;
/// A template stopped when nothing of it comes in this last part of the time, and was a habit before.
const STOPPED_PARTS: usize = PARTS / 4;
/// A gap is a silence when it is this many seconds long and this many times the longest usual gap. Source: own choice.
const SILENT_SECONDS: i64 = 60;
const SILENT_TIMES: i64 = 10;
/// How much of a template's first record is kept.
const SAMPLE: usize = 1_000;
/// Records of one piece of memory, so that growing never copies what is there.
const PIECE: usize = 1 << 20;

/// Watches the records of a log.
#[derive(Default)]
pub struct Watch {
    miner: Miner,
    patterns: Vec<Kept>,
    /// Pattern and second of each record, counted from the first one; `i32::MIN` without a time.
    seen: Vec<Vec<(u32, i32)>>,
    start: Option<Timestamp>,
    summary: Summary,
}

/// The whole log in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    pub records: u32,
    pub errors: u32,
    pub warnings: u32,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// The longest time without a record, where it is conspicuous: from when, and how many seconds.
    pub silence: Option<(Timestamp, i64)>,
    /// There were more different lines than are kept apart.
    pub full: bool,
}

/// What is kept of a pattern, and later of a template.
#[derive(Debug, Clone, Default)]
struct Kept {
    count: u32,
    /// Index of the first record, and its line in the file.
    first: u32,
    number: u32,
    level: Level,
    stated: bool,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    sample: Box<str>,
}

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

/// What a log shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub summary: Summary,
    /// How many templates the log has.
    pub templates: usize,
    /// The worst first.
    pub anomalies: Vec<Anomaly>,
    /// The most frequent templates, with their counts.
    pub frequent: Vec<(u32, String)>,
}

impl Watch {
    /// Takes the next record.
    pub fn add(&mut self, record: &LogLine) {
        let pattern = self.miner.pattern(&record.text);
        let index = self.summary.records;
        self.summary.records = index.saturating_add(1);
        match record.level {
            Level::Error | Level::Fatal => self.summary.errors += 1,
            Level::Warn => self.summary.warnings += 1,
            _ => {}
        }
        let at = pattern as usize;
        if at >= self.patterns.len() {
            self.patterns.resize_with(at + 1, Kept::default);
        }
        if let Some(kept) = self.patterns.get_mut(at) {
            if kept.count == 0 {
                *kept = Kept { first: index, number: record.number, level: record.level, from: record.time, ..Kept::default() };
                kept.sample = super::templates::head(&record.text, SAMPLE).into();
            }
            kept.count = kept.count.saturating_add(1);
            kept.level = kept.level.max(record.level);
            kept.stated |= record.level_stated;
            kept.from = kept.from.or(record.time);
            kept.until = record.time.or(kept.until);
        }
        self.keep(pattern, record.time);
    }

    fn keep(&mut self, pattern: u32, time: Option<Timestamp>) {
        let start = self.start.or(time);
        self.start = start;
        let second = match (time, start) {
            (Some(time), Some(start)) => i32::try_from(time.duration_since(start).as_secs()).unwrap_or(i32::MIN),
            _ => i32::MIN,
        };
        if let Some(time) = time {
            self.summary.from = Some(self.summary.from.map_or(time, |from| from.min(time)));
            self.summary.until = Some(self.summary.until.map_or(time, |until| until.max(time)));
        }
        match self.seen.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push((pattern, second)),
            _ => {
                let mut piece = Vec::with_capacity(if self.seen.is_empty() { 1_024 } else { PIECE });
                piece.push((pattern, second));
                self.seen.push(piece);
            }
        }
    }

    /// What was conspicuous.
    pub fn report(mut self) -> Report {
        self.summary.full = self.miner.is_full();
        self.summary.silence = self.silence();
        let (texts, of_pattern) = std::mem::take(&mut self.miner).templates();
        let mut templates: Vec<Kept> = vec![Kept::default(); texts.len()];
        for (kept, template) in self.patterns.iter().zip(&of_pattern) {
            if let Some(whole) = templates.get_mut(*template as usize) {
                whole.join(kept);
            }
        }
        let parts = self.parts(&of_pattern, texts.len());
        let records = self.summary.records;
        let readings: Vec<Option<Reading>> = templates.iter().enumerate().map(|(index, kept)| read(kept, index)).collect();
        // templates are in the order of their first lines
        let first_error =
            templates.iter().zip(&readings).find(|(kept, reading)| is_wrong(kept, reading.as_ref())).map(|(kept, _)| kept.first);
        let mut anomalies: Vec<Anomaly> = Vec::new();
        for (((kept, text), parts), reading) in templates.iter().zip(&texts).zip(&parts).zip(readings) {
            anomalies.extend(judge(kept, text, parts, reading, records, first_error));
        }
        anomalies.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.line.cmp(&b.line)));
        anomalies.truncate(MOST);
        let mut frequent: Vec<(u32, String)> = templates.iter().zip(texts).map(|(kept, text)| (kept.count, text)).collect();
        let count = frequent.len();
        frequent.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        frequent.truncate(5);
        Report { summary: self.summary, templates: count, anomalies, frequent }
    }

    /// How many records of each template fall into each part of the log's time.
    fn parts(&self, of_pattern: &[u32], templates: usize) -> Vec<[u32; PARTS]> {
        let mut parts: Vec<[u32; PARTS]> = vec![[0; PARTS]; templates];
        let (Some(start), Some(from), Some(until)) = (self.start, self.summary.from, self.summary.until) else { return parts };
        let span = until.duration_since(from).as_secs_f64();
        if span <= 0.0 {
            return parts;
        }
        let offset = start.duration_since(from).as_secs_f64();
        for (pattern, second) in self.seen.iter().flatten().filter(|(_, second)| *second != i32::MIN) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 0 to 1 of the parts")]
            let part = ((f64::from(*second) + offset) / span * (PARTS as f64 - 1.0)) as usize;
            let template = of_pattern.get(*pattern as usize).and_then(|template| parts.get_mut(*template as usize));
            if let Some(count) = template.and_then(|parts| parts.get_mut(part)) {
                *count += 1;
            }
        }
        parts
    }

    /// The longest gap between records that follow each other, where gaps of its size are no habit.
    fn silence(&self) -> Option<(Timestamp, i64)> {
        let (mut longest, mut second, mut from) = (0, 0, 0);
        let mut previous: Option<i32> = None;
        for (_, now) in self.seen.iter().flatten().filter(|(_, second)| *second != i32::MIN) {
            if let Some(before) = previous {
                let gap = i64::from(*now) - i64::from(before);
                if gap > longest {
                    (longest, second, from) = (gap, longest, before);
                } else if gap > second {
                    second = gap;
                }
            }
            previous = Some(*now);
        }
        let conspicuous = longest >= SILENT_SECONDS && longest >= SILENT_TIMES * second.max(1);
        let begin = self.start?.checked_add(jiff::SignedDuration::from_secs(i64::from(from))).ok()?;
        conspicuous.then_some((begin, longest))
    }
}

impl Kept {
    fn join(&mut self, other: &Self) {
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        if other.first < self.first {
            (self.first, self.number) = (other.first, other.number);
            self.sample.clone_from(&other.sample);
        }
        self.count = self.count.saturating_add(other.count);
        self.level = self.level.max(other.level);
        self.stated |= other.stated;
        self.from = [self.from, other.from].into_iter().flatten().min();
        self.until = self.until.max(other.until);
    }
}

/// What the sign of a template's first record says. Of a flood of templates only those that call themselves wrong are read.
fn read(kept: &Kept, index: usize) -> Option<Reading> {
    let level = kept.level;
    if index >= MOST_READ && level < Level::Warn {
        return None;
    }
    signs::read(&kept.sample, (kept.stated || level != Level::Info).then_some(level))
}

fn is_wrong(kept: &Kept, reading: Option<&Reading>) -> bool {
    kept.level >= Level::Error || reading.is_some_and(|reading| reading.strength >= 0.5)
}

fn judge(
    kept: &Kept,
    template: &str,
    parts: &[u32; PARTS],
    reading: Option<Reading>,
    records: u32,
    first_error: Option<u32>,
) -> Option<Anomaly> {
    let level = kept.level;
    let wrong = is_wrong(kept, reading.as_ref());
    let is_new = records >= 50 && f64::from(kept.first) / f64::from(records) > NEW_AFTER && kept.count > 1;
    let is_rare = records >= RARE_IN && kept.count <= 2;
    let is_prelude = is_rare && first_error.is_some_and(|error| kept.first < error && error - kept.first <= PRELUDE);
    let (early, late) = parts.split_at(PARTS / 2);
    let sum = |parts: &[u32]| parts.iter().sum::<u32>();
    let is_more = !is_new && sum(late) >= BURST_LINES && sum(late) >= MORE * sum(early).max(1);
    let end = parts.len() - STOPPED_PARTS;
    let is_over = parts.split_at_checked(end).is_some_and(|(before, after)| {
        sum(after) == 0 && sum(before) >= BURST_LINES && before.iter().filter(|count| **count > 0).count() * 2 > before.len()
    });
    let mut marks = Vec::new();
    let mut score = reading.as_ref().map_or(0.0, |reading| reading.strength);
    if wrong {
        marks.push(if first_error == Some(kept.first) { "first error" } else { "error" });
        score += 0.5;
    } else if level == Level::Warn {
        marks.push("warning");
        score += 0.15;
    }
    let burst = is_burst(parts);
    for (is, mark, points) in [
        (is_new, "new", 0.2),
        (is_rare, "rare", 0.15),
        (is_prelude, "just before the first error", 0.25),
        (burst, "burst", 0.25),
        (is_more && !burst, "more often", 0.2),
        (is_over, "stopped", 0.3),
    ] {
        if is {
            marks.push(mark);
            score += points;
        }
    }
    // a rare line of no bad meaning is worth a look only where it is among few
    if marks.is_empty() || (!wrong && level < Level::Warn && score < 0.3) {
        return None;
    }
    Some(Anomaly {
        marks,
        level,
        meaning: reading.map(|reading| reading.title).unwrap_or_default(),
        count: kept.count,
        line: kept.number,
        first: kept.from,
        last: kept.until,
        template: template.to_owned(),
        excerpt: one_line(&kept.sample, 300),
        score,
    })
}

/// The records crowd into one short part of the log's time.
fn is_burst(parts: &[u32; PARTS]) -> bool {
    let total: u32 = parts.iter().sum();
    let most = parts.iter().copied().max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let even = f64::from(total) / PARTS as f64;
    most >= BURST_LINES && f64::from(most) >= even * BURST
}
