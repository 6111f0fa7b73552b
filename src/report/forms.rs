//! What people fill in: silence, assign, escalate, feedback. Each form says what it is about and what it will do.

use jiff::tz::TimeZone;

use crate::model::{Action, Choice, Form, Incident, IncidentId, Input, InputKind, InvestigationId, Matcher, Part, Scope, Text};

use super::words::{count, short};

/// The lengths that are offered: what is said, and what `model::silence_until` reads.
const PRESETS: [(&str, &str); 5] =
    [("30m", "30 minutes"), ("2h", "2 hours"), ("8h", "8 hours"), ("tomorrow", "until tomorrow 9:00"), ("3d", "3 days")];
/// How many incidents a preview names.
const NAMED_MAX: usize = 8;
/// How long what people write may be, in characters.
pub const NOTE_MAX: usize = 1000;

fn choice(value: &str, label: impl Into<String>) -> Choice {
    Choice { label: label.into(), value: value.to_owned() }
}

fn about(incident: &Incident) -> Part {
    let what = incident.report.as_ref().map_or(incident.title.as_str(), |report| report.headline.as_str());
    let subject = if incident.service.is_empty() { &incident.alert.name } else { &incident.service };
    Part::Section(
        Text::new().bold(format!("{} · {}", incident.id, short(subject, 60))).plain(format!("\n{}", short(&what.replace('`', ""), 150))),
    )
}

/// What a silence would cover now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    pub matchers: Vec<Matcher>,
    /// The open incidents, with what is sick in each.
    pub incidents: Vec<(IncidentId, String)>,
    /// How many alerts these have had.
    pub alerts: u64,
}

/// How the silence form stands.
#[derive(Debug, Clone, Copy)]
pub struct SilenceDraft<'a> {
    pub scope: Scope,
    /// The person's, in which "tomorrow 9:00" and "until 17:00" are meant.
    pub zone: &'a TimeZone,
    pub preview: &'a Preview,
    /// Where it is set too: `Alertmanager`.
    pub pushed_to: Option<&'a str>,
}

/// "Silence…".
pub fn silence(incident: &Incident, draft: &SilenceDraft<'_>, context: String) -> Form {
    let zone = draft.zone.iana_name().map_or("UTC", |name| name.strip_prefix("Etc/").unwrap_or(name));
    let presets = PRESETS.map(|(value, label)| choice(value, label)).to_vec();
    let mut parts = vec![
        about(incident),
        Part::Input(Input {
            id: "for".to_owned(),
            label: "For how long".to_owned(),
            hint: String::new(),
            optional: false,
            live: false,
            kind: InputKind::Menu { choices: presets, chosen: Some("2h".to_owned()) },
        }),
        Part::Input(Input {
            id: "other".to_owned(),
            label: "Or in your own words".to_owned(),
            hint: format!("Times of day are those of {zone}. What is written here counts, and not the choice above."),
            optional: true,
            live: false,
            kind: InputKind::Text { value: String::new(), placeholder: "45m, 1h30m, until 17:00".to_owned(), lines: false },
        }),
        Part::Input(Input {
            id: "covers".to_owned(),
            label: "What it covers".to_owned(),
            hint: String::new(),
            optional: false,
            live: true,
            kind: InputKind::Radio { choices: scopes(incident), chosen: Some(draft.scope.as_str().to_owned()) },
        }),
        Part::Section(preview(draft.preview)),
        Part::Input(Input {
            id: "reason".to_owned(),
            label: "Why".to_owned(),
            hint: String::new(),
            optional: true,
            live: false,
            kind: InputKind::Text {
                value: String::new(),
                placeholder: "Planned maintenance until the index is built".to_owned(),
                lines: false,
            },
        }),
    ];
    if let Some(system) = draft.pushed_to {
        parts.push(Part::Context(Text::new().plain(format!("It is set in {system} too, and ended there with “Undo silence”."))));
    }
    Form { callback: "silence".to_owned(), title: format!("Silence {}", incident.id), submit: "Silence".to_owned(), context, parts }
}

fn scopes(incident: &Incident) -> Vec<Choice> {
    let mut out = vec![choice(Scope::Alert.as_str(), "This alert, and nothing else")];
    if !incident.alert.service.is_empty() {
        out.push(choice(Scope::Service.as_str(), format!("Everything of {}", short(&incident.alert.service, 50))));
    }
    if !incident.alert.name.is_empty() {
        out.push(choice(Scope::Name.as_str(), format!("{} everywhere", short(&incident.alert.name, 55))));
    }
    out
}

fn preview(preview: &Preview) -> Text {
    let mut text = Text::new().bold("Matches");
    for (at, matcher) in preview.matchers.iter().enumerate() {
        text = text.plain(if at == 0 { "  " } else { " and " }).code(format!("{} = {}", matcher.name, short(&matcher.value, 80)));
    }
    text = text.plain(format!(
        "\nNow that is {} with {}",
        count(preview.incidents.len() as u64, "open incident"),
        count(preview.alerts, "alert")
    ));
    for (at, (id, what)) in preview.incidents.iter().take(NAMED_MAX).enumerate() {
        text = text.plain(if at == 0 { ": " } else { ", " }).bold(id.to_string()).plain(format!(" {}", short(what, 40)));
    }
    let more = preview.incidents.len().saturating_sub(NAMED_MAX);
    if more > 0 { text.plain(format!(" and {more} more.")) } else { text.plain(".") }
}

/// "Assign…".
pub fn assign(incident: &Incident, context: String) -> Form {
    let mut parts = vec![about(incident)];
    if let Some(owner) = &incident.owner {
        let take = Action::button("unassign", "Remove owner", incident.id.to_string());
        parts.push(Part::Item(Text::new().plain("It belongs to ").user(owner.clone()).plain("."), take));
    }
    parts.push(Part::Input(Input {
        id: "to".to_owned(),
        label: "Who shall have it".to_owned(),
        hint: "They are told in the thread.".to_owned(),
        optional: false,
        live: false,
        kind: InputKind::Person { chosen: None },
    }));
    Form { callback: "assign".to_owned(), title: format!("Assign {}", incident.id), submit: "Assign".to_owned(), context, parts }
}

/// "Escalate…"; `targets` are what can be called: its id and its name.
pub fn escalate(incident: &Incident, targets: &[(String, String)], context: String) -> Form {
    let mut parts = vec![about(incident)];
    if targets.is_empty() {
        let text = Text::new().plain("Nobody can be called yet: the settings name user groups under ").code("escalation.groups");
        parts.push(Part::Section(text.plain(" and PagerDuty under ").code("escalation.pagerduty_key").plain(".")));
        return Form { callback: String::new(), title: format!("Escalate {}", incident.id), submit: String::new(), context, parts };
    }
    let choices: Vec<Choice> = targets.iter().map(|(id, name)| choice(id, name.clone())).collect();
    let chosen = choices.first().map(|first| first.value.clone());
    parts.push(Part::Input(Input {
        id: "to".to_owned(),
        label: "Who shall be called".to_owned(),
        hint: String::new(),
        optional: false,
        live: false,
        kind: InputKind::Menu { choices, chosen },
    }));
    parts.push(Part::Input(Input {
        id: "reason".to_owned(),
        label: "What you need from them".to_owned(),
        hint: "They read it first.".to_owned(),
        optional: false,
        live: false,
        kind: InputKind::Text { value: String::new(), placeholder: String::new(), lines: true },
    }));
    Form { callback: "escalate".to_owned(), title: format!("Escalate {}", incident.id), submit: "Call them".to_owned(), context, parts }
}

/// "Wrong".
pub fn wrong(incident: IncidentId, context: String) -> Form {
    let verdicts =
        vec![choice("one_hop_short", "One hop short: it is real, something further caused it"), choice("wrong", "Wrong: that was not it")];
    let parts = vec![
        Part::Input(Input {
            id: "verdict".to_owned(),
            label: "What is wrong with the report".to_owned(),
            hint: String::new(),
            optional: false,
            live: false,
            kind: InputKind::Radio { choices: verdicts, chosen: Some("wrong".to_owned()) },
        }),
        Part::Input(Input {
            id: "cause".to_owned(),
            label: "What the real cause was".to_owned(),
            hint: "Leave it empty when nobody knows yet.".to_owned(),
            optional: true,
            live: false,
            kind: InputKind::Text { value: String::new(), placeholder: String::new(), lines: true },
        }),
    ];
    Form { callback: "feedback".to_owned(), title: format!("Report of {incident}"), submit: "Send".to_owned(), context, parts }
}

/// The thumbs under a report.
pub fn feedback(incident: IncidentId, investigation: InvestigationId) -> Part {
    Part::Feedback {
        id: "feedback".to_owned(),
        value: format!("{incident} {investigation}"),
        good: "Correct".to_owned(),
        bad: "Wrong".to_owned(),
    }
}
