//! Small pieces of wording that every message shares.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{AlertStatus, Entity, Incident, IncidentState, Priority, Span, Text};

/// At most `most` characters on one line, cut at a word where one is near.
pub fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let head: String = line.chars().take(most.saturating_sub(1)).collect();
    let head = match head.rfind(' ') {
        Some(at) if at > head.len() * 3 / 4 => head.get(..at).unwrap_or(&head),
        _ => &head,
    };
    format!("{}…", head.trim_end_matches([',', ';', ':', '.', ' ']))
}

/// `48 ms`, `1.2 s`, `18 min`, `2 h 5 min`, `3 d`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0 => format!("{:.0} ms", seconds.max(0.0) * 1000.0),
        1..10 => format!("{seconds:.1} s"),
        10..120 => format!("{whole} s"),
        120..7200 => format!("{} min", whole / 60),
        7200..172_800 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d", whole / 86_400),
    }
}

pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}

/// `1 alert`, `3 alerts`.
pub fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Programs that our remedies name: a line that starts with one is a command to copy.
const PROGRAMS: &[&str] = &[
    "kubectl",
    "helm",
    "mongosh",
    "mongod",
    "argocd",
    "flux",
    "dig",
    "curl",
    "openssl",
    "db",
    "rs",
    "docker",
    "git",
    "systemctl",
    "df",
    "du",
];

/// A remedy: a command is set as one, with its comment beside it; anything else is prose.
pub fn remedy(line: &str) -> Text {
    let program = line.split([' ', '.', '(']).next().unwrap_or_default();
    if line.contains('`') || !PROGRAMS.contains(&program) || !line.contains([' ', '(']) {
        return prose(line);
    }
    match line.split_once(" #") {
        Some((command, comment)) => Text::new().code(command.trim_end()).plain(format!("  ({})", comment.trim())),
        None => Text::new().code(line),
    }
}

/// Our own prose, where backquotes mark commands and identifiers.
pub fn prose(text: &str) -> Text {
    let spans = text
        .split('`')
        .enumerate()
        .filter(|(_, piece)| !piece.is_empty())
        .map(|(at, piece)| if at % 2 == 1 { Span::Code(piece.to_owned()) } else { Span::Plain(piece.to_owned()) });
    Text(spans.collect())
}

/// The one colour dot: green when it is over, blue while somebody has it, else by urgency.
pub fn dot(incident: &Incident) -> &'static str {
    match incident.state {
        IncidentState::Resolved | IncidentState::FalsePositive => "large_green_circle",
        IncidentState::Acknowledged => "large_blue_circle",
        IncidentState::Silenced => "white_circle",
        IncidentState::Open | IncidentState::Investigating | IncidentState::Reported => match incident.priority {
            Priority::P0 | Priority::P1 => "red_circle",
            Priority::P2 => "large_orange_circle",
            Priority::P3 => "large_yellow_circle",
        },
    }
}

/// `pod shop/checkout-1`, or nothing.
pub fn object(entity: &Entity) -> String {
    if entity.is_empty() { String::new() } else { entity.to_string() }
}

/// What the alert says about its own state, where that is worth a word.
pub fn alert_state(status: AlertStatus) -> Option<&'static str> {
    match status {
        AlertStatus::Firing => None,
        AlertStatus::Resolved => Some("resolved by the sender"),
        AlertStatus::Acknowledged => Some("acknowledged at the sender"),
        AlertStatus::NoData => Some("no data"),
        AlertStatus::Paused => Some("paused at the sender"),
        AlertStatus::Pending => Some("pending"),
    }
}

/// A tool's arguments as people read them: only what was said, without JSON's signs.
pub fn said(arguments: &Value) -> String {
    match arguments {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => joined(items.iter().map(said), ", "),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(name, value)| match said(value) {
                value if value.is_empty() => value,
                value => format!("{name}: {value}"),
            });
            joined(pairs, "  ")
        }
        other => other.to_string(),
    }
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}
