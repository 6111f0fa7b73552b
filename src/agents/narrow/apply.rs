//! What was understood, applied to the evidence: what is set aside, what is left, and the sentence that says so.

use jiff::{SignedDuration, Timestamp};

use super::Narrow;
use crate::model::{
    Entity,
    observation::{Change, Level, LogStream, Observations},
};

/// A change can show its effect later: this long before a time that was only named in passing, changes are still looked at.
const CHANGE_BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// The evidence that is left.
#[derive(Debug, Clone, Default)]
pub struct Narrowed {
    pub observations: Observations,
    /// The names that the evidence knows.
    pub names: Vec<String>,
    /// "Only errors of `api`, 13:40 to 14:10 UTC: 12 of 340 log lines"; empty when nothing was understood.
    pub says: String,
    /// What the person should know about it.
    pub gaps: Vec<String>,
}

/// Keeps what the words ask for.
pub fn apply(narrow: &Narrow, all: &Observations) -> Narrowed {
    let names: Vec<String> = narrow.names.iter().filter(|name| knows(all, name)).cloned().collect();
    let mut gaps = Vec::new();
    if narrow.strict {
        let unknown = narrow.asked.iter().filter(|name| !names.contains(name));
        gaps.extend(unknown.map(|name| format!("nothing in the evidence is called `{name}`")));
    }
    let only: &[String] = if narrow.strict { &names } else { &[] };
    let mut kept = all.clone();
    let changes = latest(narrow, all, only, &mut gaps);
    let since_change = changes.as_ref().and_then(|changes| changes.iter().filter_map(|change| change.time).min());
    let window = Window { from: narrow.from.max(since_change), until: narrow.until };
    let wanted = |entity: &Entity, more: &[&str]| {
        let is = |name: &String| is_about(entity, more, name);
        (only.is_empty() || only.iter().any(is)) && !narrow.ignore.iter().any(is)
    };
    kept.objects.retain(|object| wanted(&object.entity(), &[]));
    kept.events.retain(|event| {
        wanted(&event.entity, &[])
            && window.holds(event.last.or(event.first), event.first.or(event.last))
            && (!narrow.errors || event.event_type == "Warning")
    });
    let ignored_text: Vec<&String> = narrow.ignore.iter().filter(|name| !knows(all, name)).collect();
    for stream in &mut kept.logs {
        let (entity, path, container) = (stream.entity.clone(), words_of(&stream.source), stream.container.clone());
        stream.lines.retain(|line| {
            let mut more: Vec<&str> = vec![&line.service, &container];
            if entity.is_empty() && line.service.is_empty() {
                more.extend(path.iter().map(String::as_str));
            }
            let text = line.text.to_lowercase();
            wanted(&entity, &more)
                && window.holds(line.time, line.time)
                && (!narrow.errors || line.level >= Level::Error)
                && !ignored_text.iter().any(|ignored| text.contains(ignored.as_str()))
        });
    }
    kept.logs.retain(|stream| !stream.lines.is_empty());
    kept.metrics.retain(|series| wanted(&series.entity, &series.labels.values().map(String::as_str).collect::<Vec<_>>()));
    for series in &mut kept.metrics {
        // What was before stays: without it nothing can be told from normal.
        series.points.retain(|(time, _)| window.until.is_none_or(|until| *time <= until));
    }
    kept.spans.retain(|span| {
        wanted(&Entity::default(), &[&span.service])
            && window.holds(Some(span.start), Some(span.start))
            && (!narrow.errors || is_error(&span.status))
    });
    kept.edges.retain(|edge| wanted(&Entity::default(), &[&edge.caller, &edge.callee]));
    kept.documents.retain(|document| {
        let path = words_of(&document.source);
        wanted(&Entity::default(), &path.iter().map(String::as_str).collect::<Vec<_>>())
    });
    kept.changes = match changes {
        Some(changes) => changes,
        None => {
            let early = if narrow.strict { SignedDuration::ZERO } else { CHANGE_BEFORE };
            let window = Window { from: narrow.from.map(|from| from - early), until: narrow.until };
            kept.changes.retain(|change| wanted(&change.entity, &[&change.service]) && window.holds(change.time, change.time));
            kept.changes
        }
    };
    if size(all) > 0 && size(&kept) == 0 {
        gaps.push("nothing is left to look at after this narrowing".to_owned());
    }
    let says = says(narrow, only, &kept, all);
    Narrowed { observations: kept, names, says, gaps }
}

#[derive(Clone, Copy)]
struct Window {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Window {
    /// Something that began at `first` and was seen until `last`. What carries no time cannot be placed and stays.
    fn holds(self, last: Option<Timestamp>, first: Option<Timestamp>) -> bool {
        let late_enough = self.from.is_none_or(|from| last.is_none_or(|last| last >= from));
        late_enough && self.until.is_none_or(|until| first.is_none_or(|first| first <= until))
    }
}

/// The newest changes of the kind that was asked for.
fn latest(narrow: &Narrow, all: &Observations, only: &[String], gaps: &mut Vec<String>) -> Option<Vec<Change>> {
    let (number, kind) = narrow.changes?;
    let mut found: Vec<Change> = all
        .changes
        .iter()
        .filter(|change| kind.is_empty() || is_kind(&change.kind, kind))
        .filter(|change| only.is_empty() || only.iter().any(|name| is_about(&change.entity, &[&change.service], name)))
        .cloned()
        .collect();
    if found.is_empty() {
        let what = if kind.is_empty() { "change" } else { kind };
        gaps.push(format!("no {what} is in the evidence, so it could not be narrowed to that"));
        return None;
    }
    found.sort_by_key(|change| std::cmp::Reverse(change.time));
    found.truncate(number);
    Some(found)
}

fn is_kind(kind: &str, wanted: &str) -> bool {
    let kind = kind.to_lowercase();
    kind.contains(wanted) || wanted == "deploy" && (kind.contains("release") || kind.contains("rollout"))
}

fn is_error(status: &str) -> bool {
    let status = status.to_lowercase();
    status.contains("error") || status.contains("fail") || status.starts_with('5')
}

/// `api` is `api`, `api-7f5b9`, and everything in the namespace `api`.
fn is_about(entity: &Entity, more: &[&str], name: &str) -> bool {
    let bare = name.rsplit('/').next().unwrap_or(name);
    [entity.name.as_str(), entity.namespace.as_str()].iter().chain(more).any(|known| {
        let known = known.to_lowercase();
        known == name || known == bare || known.strip_prefix(bare).is_some_and(|rest| rest.starts_with(['-', '.', '_']))
    })
}

/// Something in the evidence is called so.
fn knows(all: &Observations, name: &str) -> bool {
    let about = |entity: &Entity, more: &[&str]| is_about(entity, more, name);
    let in_log = |stream: &LogStream| {
        about(&stream.entity, &[&stream.container])
            || stream.lines.iter().any(|line| !line.service.is_empty() && about(&Entity::default(), &[&line.service]))
            || stream.entity.is_empty() && words_of(&stream.source).iter().any(|word| word == name)
    };
    all.objects.iter().any(|object| about(&object.entity(), &[]))
        || all.events.iter().any(|event| about(&event.entity, &[]))
        || all.logs.iter().any(in_log)
        || all
            .metrics
            .iter()
            .any(|series| about(&series.entity, &[]) || series.labels.values().any(|value| about(&Entity::default(), &[value])))
        || all.spans.iter().any(|span| about(&Entity::default(), &[&span.service]))
        || all.edges.iter().any(|edge| about(&Entity::default(), &[&edge.caller, &edge.callee]))
        || all.changes.iter().any(|change| about(&change.entity, &[&change.service]))
}

/// The words of a path: a log that does not say whose it is, is told by its file's name.
fn words_of(source: &str) -> Vec<String> {
    source.to_lowercase().split(['/', '.', '_', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn lines(observations: &Observations) -> usize {
    observations.logs.iter().map(|stream| stream.lines.len()).sum()
}

fn size(observations: &Observations) -> usize {
    let points: usize = observations.metrics.iter().map(|series| series.points.len()).sum();
    lines(observations)
        + observations.objects.len()
        + observations.events.len()
        + points
        + observations.spans.len()
        + observations.changes.len()
        + observations.documents.len()
}

/// What was narrowed, in one sentence with the numbers in it.
fn says(narrow: &Narrow, only: &[String], kept: &Observations, all: &Observations) -> String {
    if !narrow.is_instruction() && only.is_empty() {
        return String::new();
    }
    let mut what = if narrow.errors { "errors".to_owned() } else { "what was seen".to_owned() };
    if !only.is_empty() {
        let names: Vec<String> = only.iter().map(|name| format!("`{name}`")).collect();
        what.push_str(&format!(" of {}", names.join(" and ")));
    }
    let clock = |at: Timestamp| {
        let (day, now) = (at.strftime("%-d %b").to_string(), narrow.until.or(narrow.from).map(|at| at.strftime("%-d %b").to_string()));
        if Some(&day) == now.as_ref() { at.strftime("%H:%M").to_string() } else { at.strftime("%-d %b %H:%M").to_string() }
    };
    match (narrow.from, narrow.until) {
        (Some(from), Some(until)) => what.push_str(&format!(", {} to {} UTC", clock(from), clock(until))),
        (Some(from), None) => what.push_str(&format!(", since {} UTC", clock(from))),
        (None, Some(until)) => what.push_str(&format!(", until {} UTC", clock(until))),
        (None, None) => {}
    }
    if let Some((_, kind)) = narrow.changes
        && !kept.changes.is_empty()
    {
        let ids: Vec<String> =
            kept.changes.iter().map(|change| format!("`{}`", if change.id.is_empty() { &change.summary } else { &change.id })).collect();
        let noun = if kind.is_empty() { "change" } else { kind };
        let plural = if ids.len() == 1 { "" } else { "s" };
        what.push_str(&format!(", with the last {} {noun}{plural} ({}) and what came after", ids.len(), ids.join(", ")));
    }
    if !narrow.agents.is_empty() {
        what.push_str(&format!(", asking {} alone", narrow.agents.join(" and ")));
    }
    if !narrow.ignore.is_empty() {
        let names: Vec<String> = narrow.ignore.iter().map(|name| format!("`{name}`")).collect();
        what.push_str(&format!(", without {}", names.join(" and ")));
    }
    let counts = [
        (lines(kept), lines(all), "log lines"),
        (kept.events.len(), all.events.len(), "events"),
        (kept.objects.len(), all.objects.len(), "objects"),
        (kept.spans.len(), all.spans.len(), "spans"),
        (kept.changes.len(), all.changes.len(), "changes"),
    ];
    let shown: Vec<String> =
        counts.iter().filter(|(_, all, _)| *all > 0).map(|(kept, all, noun)| format!("{kept} of {all} {noun}")).collect();
    let numbers = if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) };
    format!("Only {what}{numbers}")
}
