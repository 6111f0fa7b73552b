//! One line in the thread of an alert that belongs to an incident with a thread of its own.

use crate::model::{Incident, Message, Part, Span, Text};

use super::words::dot;

/// Where the alert's incident is, and why it belongs there. `link`: the incident's thread.
pub fn pointer(incident: &Incident, reason: &str, link: Option<String>) -> Message {
    let name = incident.id.to_string();
    let mut top = Text::new().emoji(dot(incident)).plain(" Part of ");
    top = match link {
        Some(url) => {
            top.0.push(Span::Link { url, text: name });
            top
        }
        None => top.bold(name),
    };
    if !reason.is_empty() {
        top = top.plain(format!(": {reason}"));
    }
    Message { text: format!("Part of {}: {reason}", incident.id), parts: vec![Part::Context(top)] }
}
