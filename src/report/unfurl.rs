//! What a link to an incident shows under the message that has it.

use jiff::Timestamp;

use crate::model::{Action, Incident, Message, Part, Text};

use super::{
    lists::{line, title},
    words::{prose, short},
};

/// State, cause and owner, and a button for the rest.
pub fn unfurl(incident: &Incident, now: Timestamp) -> Message {
    let mut parts = vec![Part::Section(line(incident, now))];
    if let Some(first) = incident.report.as_ref().and_then(|report| report.hypotheses.first()) {
        let mut text = Text::new().bold("Cause").plain(format!("  confidence {}  ", first.confidence_word()));
        text.0.extend(prose(&short(&first.statement, 250)).0);
        parts.push(Part::Context(text));
    }
    if incident.report.is_some() {
        parts.push(Part::Actions(vec![Action::button("details", "Details", incident.id.to_string())]));
    }
    Message { text: format!("{}: {}", incident.id, short(&title(incident), 120)), parts }
}
