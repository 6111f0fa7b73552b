//! Lines that mean the same, counted over all logs: one kind of trouble, one finding.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::one_line,
    recovery::Recovery,
    signs::{self, Reading},
    templates::Miner,
};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{Level, LogLine, LogStream},
};

/// Lines of one template that are read one by one; the rest counts with them. Different hosts or names show within these.
const SAMPLES: usize = 12;
/// Most kinds that become findings; a log with more has one cause among the strongest all the same.
const MOST: usize = 25;
/// A log's last lines: what stands here is near the end of the program.
const TAIL_LINES: usize = 12;

/// One kind of trouble.
pub struct Kind {
    pub reading: Reading,
    pub places: Vec<Place>,
    /// Points for how it stands in its log, added to the reading's own strength.
    pub weight: f64,
    /// Something came after it and worked.
    pub over: bool,
    /// The log says that it works again.
    pub recovered: bool,
}

/// Where one log shows it.
pub struct Place {
    pub source: String,
    pub entity: Entity,
    pub count: u32,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub excerpt: String,
}

/// Every kind in every log, the strongest first.
pub fn collect(streams: &[&LogStream], focus: &Focus) -> Vec<Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for stream in streams {
        in_stream(stream, is_job(stream, focus), focus.now, &mut kinds);
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    for kind in &mut kinds {
        kind.weight += asked(&kind.reading.essence, focus);
    }
    // a generic error is only worth a finding beside others when it is rare
    kinds.sort_by(|a, b| b.strength().total_cmp(&a.strength()).then_with(|| a.reading.key.cmp(&b.reading.key)));
    kinds.truncate(MOST);
    kinds
}

/// One template's lines in one log.
#[derive(Default)]
struct Tally {
    count: u32,
    level: Level,
    samples: Vec<usize>,
    last: usize,
}

/// The log of something that ends: what failed early in it is not over because later lines look well.
pub fn is_job(stream: &LogStream, focus: &Focus) -> bool {
    let asked = focus
        .text
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| matches!(word, "CI" | "build" | "pipeline" | "job" | "Job" | "workflow"));
    asked || stream.lines.iter().take(200).any(|line| line.text.starts_with("##["))
}

fn in_stream(stream: &LogStream, job: bool, now: Option<Timestamp>, kinds: &mut BTreeMap<String, Kind>) {
    let mut miner = Miner::default();
    for line in &stream.lines {
        miner.add(key_line(&line.text));
    }
    let mined = miner.finish();
    let mut tallies: Vec<Tally> = Vec::new();
    tallies.resize_with(mined.templates.len(), || Tally { level: Level::Trace, ..Tally::default() });
    for (index, (line, id)) in stream.lines.iter().zip(&mined.of_line).enumerate() {
        let Some(tally) = tallies.get_mut(*id as usize) else { continue };
        tally.count += 1;
        tally.level = tally.level.max(line.level);
        tally.last = index;
        if tally.samples.len() < SAMPLES
            && tally.samples.last().and_then(|at| stream.lines.get(*at)).is_none_or(|before| before.text != line.text)
        {
            tally.samples.push(index);
        }
    }
    let total = stream.lines.len();
    let recovery = Recovery::of_log(stream);
    for tally in &tallies {
        let mut rest = tally.count;
        let mut owner: Option<String> = None;
        for at in &tally.samples {
            let Some(line) = stream.lines.get(*at) else { continue };
            let level = if line.level >= Level::Warn { Some(tally.level) } else { line.known_level() };
            let Some(reading) = signs::read(&line.text, level) else { continue };
            let reading = if reading.category == Category::Unknown { by_fields(line, level).unwrap_or(reading) } else { reading };
            rest = rest.saturating_sub(1);
            let key = reading.key.clone();
            let mut standing = if job { in_job(&stream.lines, *at) } else { standing(*at, tally, total) };
            standing.recovered = !job && recovery.of(stream, &reading, line, tally.last, now);
            note(kinds, stream, reading, line, standing);
            owner.get_or_insert(key);
        }
        if let Some(kind) = owner.and_then(|key| kinds.get_mut(&key)) {
            let last = stream.lines.get(tally.last);
            if let Some(place) = kind.places.iter_mut().rev().find(|place| place.source == stream.source) {
                place.count += rest;
                place.last = place.last.max(last.and_then(|line| line.time));
            }
        }
    }
}

/// Fields beside a message that say why: `request failed` with a status, a code or an error of its own.
const TELLING_FIELDS: &[&str] = &[
    "error",
    "err",
    "exception",
    "cause",
    "reason",
    "detail",
    "details",
    "status",
    "status_code",
    "statusCode",
    "http_status",
    "code",
    "body",
    "response",
    "stderr",
    "output",
];
/// How much of one field is read.
const FIELD_LIMIT: usize = 300;

/// What a structured line says with its fields, where its message alone says nothing in particular.
fn by_fields(line: &LogLine, level: Option<Level>) -> Option<Reading> {
    let fields = line.fields.as_object()?;
    let mut whole = line.text.clone();
    for key in TELLING_FIELDS {
        let told = match fields.get(*key) {
            Some(serde_json::Value::String(text)) if !line.text.contains(text.as_str()) => clip(text, FIELD_LIMIT),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            Some(inner @ serde_json::Value::Object(_)) => clip(&inner.to_string(), FIELD_LIMIT),
            _ => continue,
        };
        whole.push_str(&format!("; {key} {told}"));
    }
    let reading = signs::read(&whole, level)?;
    (reading.category != Category::Unknown).then_some(reading)
}

/// The line of a record that names what happened: of a stack trace the innermost exception.
fn key_line(text: &str) -> &str {
    if !text.contains('\n') {
        return text;
    }
    if text.starts_with("Traceback") {
        return text.lines().rev().find(|line| !line.starts_with([' ', '\t']) && !line.trim().is_empty()).unwrap_or(text);
    }
    text.rfind("Caused by: ").and_then(|at| text.get(at..)).unwrap_or(text)
}

/// How a line stands in its log.
#[derive(Default, Clone, Copy)]
struct Standing {
    points: f64,
    /// It seems to be over: it was rare, and much came after it.
    over: bool,
    /// The log itself says that it is over.
    recovered: bool,
}

/// In a job's log nothing is over by time alone; only what was tried again, or stands inside of tests that passed.
fn in_job(lines: &[LogLine], at: usize) -> Standing {
    const AGAIN: &[&str] =
        &["will retry", "retrying", "retries left", "attempts left", "trying again", "try again in", "attempt 1", "attempt #", "trying \""];
    const PASSED: &[&str] = &["failures: 0, errors: 0", "--- pass:"];
    let says = |line: &LogLine, words: &[&str]| {
        let lower = line.text.lines().next().unwrap_or("").to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let near = |count: usize| lines.iter().skip(at + 1).take(count);
    const LAST: &[&str] = &["timed out retrying", "giving up", "no retries left", "0 retries left"];
    let again = lines.get(at).is_some_and(|line| says(line, AGAIN) && !says(line, LAST)) || near(1).any(|line| says(line, AGAIN));
    // Words that follow: the job went on.
    let over = again && near(3).count() == 3 || near(4).any(|line| says(line, PASSED));
    Standing { over, ..Standing::default() }
}

fn standing(at: usize, tally: &Tally, total: usize) -> Standing {
    #[expect(clippy::cast_precision_loss, reason = "counts of lines")]
    let (share, after) = (f64::from(tally.count) / total as f64, (total - tally.last) as f64 / total as f64);
    let mut points = 0.0;
    // near the end of the log: a program's last words
    if total - at <= TAIL_LINES {
        points += 0.03;
    }
    // one odd line among very many
    if total > 500 && share < 0.001 {
        points += 0.02;
    }
    // long over: the larger part of the log came after its last line, and it was rare
    let over = total > 60 && after > 0.6 && share < 0.02;
    Standing { points, over, recovered: false }
}

fn note(kinds: &mut BTreeMap<String, Kind>, stream: &LogStream, reading: Reading, line: &LogLine, standing: Standing) {
    let kind = kinds.entry(reading.key.clone()).or_insert_with(|| Kind {
        reading: reading.clone(),
        places: Vec::new(),
        weight: 0.0,
        over: true,
        recovered: true,
    });
    if reading.strength > kind.reading.strength {
        kind.reading = reading;
    }
    kind.weight = kind.weight.max(standing.points);
    kind.over &= standing.over;
    kind.recovered &= standing.recovered;
    let entity = owner(stream, line);
    match kind.places.iter_mut().find(|place| place.source == stream.source && place.entity == entity) {
        Some(place) => {
            place.count += 1;
            place.first = place.first.min(line.time).or(place.first).or(line.time);
            place.last = place.last.max(line.time);
        }
        None => kind.places.push(Place {
            source: stream.source.clone(),
            entity,
            count: 1,
            first: line.time,
            last: line.time,
            excerpt: excerpt(&line.text),
        }),
    }
}

/// Who wrote a line: the log's own object, or the service that the line names.
fn owner(stream: &LogStream, line: &LogLine) -> Entity {
    if !stream.entity.is_empty() {
        stream.entity.clone()
    } else if line.service.is_empty() {
        Entity::default()
    } else {
        Entity::new("Service", "", &line.service)
    }
}

/// The record; of a long one the line that names what happened first.
fn excerpt(text: &str) -> String {
    let key = key_line(text).lines().next().unwrap_or("");
    if text.len() <= 1000 || text.starts_with(key) { clip(text, 1000) } else { clip(&format!("{}\n…\n{text}", clip(key, 600)), 1000) }
}

fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit { text.to_owned() } else { format!("{}…", text.get(..text.floor_char_boundary(limit - 4)).unwrap_or("")) }
}

/// Points for the words that the line shares with the question, names of objects aside.
fn asked(essence: &str, focus: &Focus) -> f64 {
    let lower = essence.to_ascii_lowercase();
    let shared = focus.words.iter().filter(|word| word.len() > 3 && lower.contains(&word.to_ascii_lowercase())).count();
    if shared > 0 { 0.03 } else { 0.0 }
}

impl Kind {
    pub fn strength(&self) -> f64 {
        let strength = self.reading.strength + self.weight - if self.over { 0.25 } else { 0.0 };
        strength.clamp(0.1, 0.95)
    }

    pub fn count(&self) -> u32 {
        self.places.iter().map(|place| place.count).sum()
    }

    pub fn first(&self) -> Option<Timestamp> {
        self.places.iter().filter_map(|place| place.first).min()
    }

    pub fn seen(&self) -> Vec<Seen> {
        let mut places: Vec<&Place> = self.places.iter().collect();
        places.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.source.cmp(&b.source)));
        places.iter().take(5).map(|place| self.seen_at(place)).collect()
    }

    fn seen_at(&self, place: &Place) -> Seen {
        Seen {
            kind: EvidenceKind::LogPattern,
            source: place.source.clone(),
            query: String::new(),
            entity: place.entity.clone(),
            time: place.first,
            until: place.last.filter(|last| Some(*last) != place.first),
            summary: one_line(&format!("{}×: {}", place.count, self.reading.essence), 300),
            excerpt: place.excerpt.clone(),
            decisive: self.reading.decisive && !self.over,
        }
    }

    /// The one who wrote most of it.
    fn entity(&self) -> Entity {
        let mut entities: BTreeMap<&Entity, u32> = BTreeMap::new();
        for place in &self.places {
            *entities.entry(&place.entity).or_default() += place.count;
        }
        entities
            .into_iter()
            .filter(|(entity, _)| !entity.is_empty())
            .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))
            .map(|(entity, _)| entity.clone())
            .unwrap_or_default()
    }

    /// The name of a file without an owner that is the very word that was asked about.
    fn asked_file(&self, focus: &Focus) -> Option<&str> {
        let [place] = self.places.as_slice() else { return None };
        let stem = place.source.rsplit('/').next().and_then(|file| file.split('.').next())?;
        focus.words.iter().any(|word| word.eq_ignore_ascii_case(stem)).then_some(stem)
    }

    pub fn finding(&self, focus: &Focus) -> Finding {
        let mut entity = self.entity();
        if entity.is_empty()
            && let Some(name) = self.asked_file(focus)
        {
            entity = Entity::new("Service", "", name);
        }
        let who = if entity.is_empty() { String::new() } else { format!(" in the log of {entity}") };
        let count = self.count();
        let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
        let reading = &self.reading;
        let unknown = reading.category == Category::Unknown;
        let role = if self.recovered {
            Role::Context
        } else if self.over || reading.symptom && !unknown || unknown && reading.strength < 0.5 {
            Role::Symptom
        } else {
            Role::Cause
        };
        Finding {
            acts_on: Vec::new(),
            category: reading.category,
            role,
            statement: format!("{}{who}{times}: \"{}\"", reading.title.trim(), reading.essence),
            // a log that names no owner was collected for what the question is about
            entity: if entity.is_empty() { focus.entities.first().cloned().unwrap_or_default() } else { entity },
            seen: self.seen(),
            against: Vec::new(),
            decisive: reading.decisive && !self.over && !self.recovered,
            strength: self.strength(),
            since: self.first(),
            falsifier: if reading.thing.is_empty() {
                "The program did its work although it logged this line".to_owned()
            } else {
                format!("The same line about {} also stands in the log of a time when everything worked", reading.thing)
            },
            remediation: vec![reading.fix.clone()].into_iter().filter(|text| !text.is_empty()).collect(),
            prevention: vec![reading.prevention.clone()].into_iter().filter(|text| !text.is_empty()).collect(),
        }
    }
}
