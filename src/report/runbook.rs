//! What to do now: the alert's own runbook, and the remedies that the evidence suggests.

use crate::model::{Incident, Message, Part, Text};

use super::words::{remedy, short};

/// Labels in which senders give a runbook's address.
const LABELS: [&str; 3] = ["runbook_url", "runbook", "runbookUrl"];

/// The runbook's address as text: it comes from the alert, so it is shown, never linked.
pub fn runbook(incident: &Incident) -> Message {
    let alert = incident.latest.as_ref().unwrap_or(&incident.alert);
    let given = alert.links.iter().find(|link| link.title.to_lowercase().contains("runbook")).map(|link| link.url.as_str());
    let address = given.or_else(|| LABELS.iter().find_map(|label| alert.labels.get(*label)).map(String::as_str));
    let mut text = Text::new().bold(format!("Runbook of {}", incident.id));
    text = match address {
        Some(address) => text.plain("  ").code(short(address, 300)),
        None => text.plain("  the alert names none"),
    };
    let steps = incident.report.as_ref().map(|report| report.immediate_actions.as_slice()).unwrap_or_default();
    if !steps.is_empty() {
        text = text.plain("\n").bold("Do now");
    }
    for step in steps {
        text = text.plain("\n• ");
        text.0.extend(remedy(step).0);
    }
    Message { text: format!("Runbook of {}", incident.id), parts: vec![Part::Section(text)] }
}
