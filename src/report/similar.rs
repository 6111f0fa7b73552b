//! Past incidents like this one, with what was found then.

use jiff::Timestamp;

use crate::model::{Feedback, Incident, IncidentId, Message, Part, Text, Verdict};

use super::words::{duration, prose, seconds_between, short};

/// One past incident.
#[derive(Debug, Clone)]
pub struct Past {
    pub incident: IncidentId,
    pub title: String,
    /// The cause that was reported then; empty when none was.
    pub cause: String,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub feedback: Vec<Feedback>,
}

/// The past incidents, best first.
pub fn similar(incident: &Incident, past: &[Past]) -> Message {
    if past.is_empty() {
        return super::help::sentence(&format!("No closed incident resembles {}.", incident.id));
    }
    let text = format!("Like {}", incident.id);
    let mut parts = vec![Part::Section(Text::new().bold(text.clone()))];
    for past in past {
        let mut line = Text::new().bold(past.incident.to_string()).plain("  ").time(past.opened_at);
        if let Some(over) = past.resolved_at {
            line = line.plain(format!("  over after {}", duration(seconds_between(past.opened_at, over))));
        }
        line = line.plain(format!("\n{}", short(&past.title, 140)));
        if !past.cause.is_empty() {
            line = line.plain("\nCause then: ");
            line.0.extend(prose(&short(&past.cause, 220)).0);
        }
        parts.push(Part::Section(line));
        parts.extend(judged(past));
    }
    Message { text, parts }
}

/// What people said of the report then.
fn judged(past: &Past) -> Option<Part> {
    let last = past.feedback.last()?;
    let note = if last.note.is_empty() { String::new() } else { format!(": {}", short(&last.note, 200)) };
    let verdict = match last.verdict {
        Verdict::Correct => "confirmed by people",
        Verdict::OneHopShort => "people found one hop more",
        Verdict::Wrong => "people found another cause",
    };
    Some(Part::Context(Text::new().plain(format!("{verdict}{note}"))))
}
