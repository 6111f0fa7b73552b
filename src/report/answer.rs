//! Answers in an incident's thread: from what is known already, or from a further look that a person asked for.

use crate::model::{Hypothesis, Incident, Message, Part, Report, Text};

use super::{
    why::bullets,
    words::{object, prose, remedy, short},
};

/// A question whose answer is in the report already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Why,
    WhatChanged,
    WhoOwns,
    WhoIsAffected,
    WhatToDo,
    RuledOut,
    NotChecked,
    SinceWhen,
    Similar,
}

/// Reads a question whose answer is known already; `None` for everything else. The whole text must be the question, so that
/// people who talk to each other are not answered.
pub fn known_question(text: &str) -> Option<Known> {
    let text = text.to_lowercase().replace(['’', '`'], "'");
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).replace("what's", "what is").replace("who's", "who is");
    let text: Vec<&str> =
        text.split_whitespace().filter(|word| !matches!(*word, "please" | "so" | "ok" | "and" | "exactly" | "now")).collect();
    let known = match text.join(" ").as_str() {
        "why" | "why is that" | "how do you know" | "how do you know that" | "are you sure" | "show the evidence" | "evidence" => {
            Known::Why
        }
        "what changed"
        | "what has changed"
        | "what was changed"
        | "did anything change"
        | "what was deployed"
        | "any changes"
        | "any deploys"
        | "changes" => Known::WhatChanged,
        "who owns it" | "who owns this" | "who has it" | "who is on it" | "who is the owner" | "owner" => Known::WhoOwns,
        "who is affected" | "what is affected" | "who else is affected" | "what else is affected" | "what is the impact" | "impact" => {
            Known::WhoIsAffected
        }
        "what should i do" | "what should we do" | "what do i do" | "what can i do" | "what to do" | "how do i fix it"
        | "how do i fix this" | "how can we fix it" | "how to fix it" | "next steps" => Known::WhatToDo,
        "what was ruled out" | "what did you rule out" | "what is ruled out" | "ruled out" => Known::RuledOut,
        "what could you not check" | "what couldn't you check" | "what is missing" | "what was not checked" | "gaps" => Known::NotChecked,
        "since when" | "when did it start" | "when did this start" | "when did it begin" => Known::SinceWhen,
        "similar"
        | "similar incidents"
        | "seen before"
        | "have we seen this before"
        | "did this happen before"
        | "has this happened before" => Known::Similar,
        _ => return None,
    };
    Some(known)
}

/// The answer to a known question.
pub fn answer(incident: &Incident, known: Known) -> Message {
    let Some(report) = &incident.report else {
        return super::help::sentence(&format!("{} has no report yet: I am still looking.", incident.id));
    };
    let text = match known {
        Known::Why => return super::why(incident),
        Known::Similar => list("Similar incidents", &report.similar, "No closed incident resembles this one."),
        Known::WhatChanged => changed(report),
        Known::WhoOwns => match &incident.owner {
            Some(owner) => Text::new().plain(format!("{} is ", incident.id)).user(owner.clone()).plain("'s."),
            None => Text::new().plain(format!("{} has no owner yet.", incident.id)),
        },
        Known::WhoIsAffected => affected(report),
        Known::WhatToDo => to_do(report),
        Known::RuledOut => list("Ruled out", &report.ruled_out, "Nothing was ruled out explicitly."),
        Known::NotChecked => list("Could not be checked", &report.gaps, "Everything that was to be checked could be checked."),
        Known::SinceWhen => since(incident, report),
    };
    Message { text: format!("{}: an answer", incident.id), parts: vec![Part::Section(text)] }
}

fn list(title: &str, lines: &[String], none: &str) -> Text {
    if lines.is_empty() { Text::new().plain(none) } else { bullets(title, lines) }
}

fn changed(report: &Report) -> Text {
    let mut seen: Vec<_> = report.evidence.iter().filter(|seen| seen.kind == crate::model::EvidenceKind::Change).collect();
    seen.sort_by_key(|seen| seen.time);
    if seen.is_empty() {
        return Text::new().plain("No change is among the evidence: no deploy, flag or configuration change was seen near it.");
    }
    let mut text = Text::new().bold("Changes that were seen");
    for change in seen {
        text = text.plain("\n• ");
        if let Some(at) = change.time {
            text = text.time(at).plain("  ");
        }
        text = text.plain(short(&change.summary.replace('`', ""), 200)).evidence(&[change.id]);
    }
    text
}

fn affected(report: &Report) -> Text {
    let mut text = Text::new().bold("Affected");
    if !report.impact.is_empty() {
        text = text.plain("  ");
        text.0.extend(prose(&report.impact).0);
    }
    let places: Vec<String> = report.affected.iter().map(object).filter(|place| !place.is_empty()).collect();
    if places.is_empty() && report.impact.is_empty() {
        return Text::new().plain("The evidence does not show who or what else is affected.");
    }
    for place in places.iter().take(10) {
        text = text.plain("\n• ").code(short(place, 120));
    }
    text
}

fn to_do(report: &Report) -> Text {
    if report.immediate_actions.is_empty() {
        return Text::new().plain("I have no remedy to suggest: no cause was found that would point to one.");
    }
    report.immediate_actions.iter().fold(Text::new().bold("Do now"), |text, line| {
        let mut text = text.plain("\n• ");
        text.0.extend(remedy(line).0);
        text
    })
}

fn since(incident: &Incident, report: &Report) -> Text {
    let alert = incident.alert.starts_at.unwrap_or(incident.opened_at);
    let text = Text::new().plain("The alert is from ").time(alert).plain(".");
    let first = report.hypotheses.first().map(|first| first.supporting.clone()).unwrap_or_default();
    match report.timeline.iter().filter(|item| item.evidence.is_some_and(|id| first.contains(&id))).min_by_key(|item| item.time) {
        Some(item) => {
            let text = text.plain(" The first sign of its cause is from ").time(item.time);
            let text = text.plain(format!(": {}", short(&item.text.replace('`', ""), 160)));
            item.evidence.map_or(text.clone(), |id| text.evidence(&[id]))
        }
        None => text,
    }
}

/// A report that answers a person: what they wanted comes first. `lead` says what was narrowed, or how it compares.
pub fn further(lead: &str, asked_by: &str, mut findings: Message) -> Message {
    let mut text = Text::new();
    text.0.extend(prose(lead).0);
    if !asked_by.is_empty() {
        text = text.plain("  (asked by ").user(asked_by).plain(")");
    }
    findings.parts.insert(0, Part::Section(text));
    findings.text = format!("{}: {}", lead.replace('`', ""), findings.text);
    findings
}

/// How a replay compares with the first report.
pub fn comparison(before: Option<&Hypothesis>, now: Option<&Hypothesis>) -> String {
    match (before, now) {
        (Some(before), Some(now)) if before.category == now.category && before.entity.name == now.entity.name => {
            format!("Replay as of the alert's time: the same cause, confidence {:.2} (was {:.2}).", now.confidence, before.confidence)
        }
        (Some(before), Some(_)) => {
            format!("Replay as of the alert's time: another cause. The report said: {}", short(&before.statement.replace('`', ""), 200))
        }
        (Some(before), None) => format!(
            "Replay as of the alert's time: no cause is found any more. The report said: {}",
            short(&before.statement.replace('`', ""), 200)
        ),
        (None, Some(_)) => "Replay as of the alert's time: a cause is found now; the report had none.".to_owned(),
        (None, None) => "Replay as of the alert's time: no cause is found, as before.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_question_is_the_whole_text() {
        assert_eq!(known_question("Why?"), Some(Known::Why));
        assert_eq!(known_question("what changed?"), Some(Known::WhatChanged));
        assert_eq!(known_question("What’s affected please?"), Some(Known::WhoIsAffected));
        assert_eq!(known_question("who owns it??"), Some(Known::WhoOwns));
        for chatter in
            ["why did you deploy on a friday", "what changed in your life", "", "ok", "I know why", "similar to last week I think"]
        {
            assert_eq!(known_question(chatter), None, "{chatter}");
        }
    }
}
