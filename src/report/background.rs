//! Behind "Runbooks and similar…": what the alert, the team and the past know about an incident.

use crate::model::{Action, ActionKind, Incident, Link, Part, Span, Text};

use super::{
    card::{is_web, runbook},
    services::Service,
    words::short,
};

/// How many links of each kind are shown.
const LINKS_MAX: usize = 10;

/// The modal's parts; `similar` are one-line mentions of past incidents.
pub fn background(incident: &Incident, service: Option<&Service>, similar: &[String]) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(service) = service {
        let mut text = Text::new().bold(service.name.clone());
        if !service.team.is_empty() {
            text = text.plain(format!("  ·  owned by {}", service.team));
        }
        parts.push(Part::Section(text));
        parts.extend(ours("Runbooks", &service.runbooks));
        parts.extend(ours("Dashboards", &service.dashboards));
    }
    parts.extend(the_alerts(incident));
    if parts.is_empty() {
        let name = if incident.service.is_empty() { "this alert" } else { &incident.service };
        parts.push(Part::Section(
            Text::new()
                .plain(format!("No runbook is known for {name}. "))
                .plain("Name one in ")
                .code("services.yaml")
                .plain(", or in the alert's annotation ")
                .code("runbook_url")
                .plain("."),
        ));
    }
    parts.push(Part::Divider);
    let mut text = Text::new().bold("Similar incidents");
    if similar.is_empty() {
        text = text.plain("\nNone so far.");
    }
    for line in similar {
        text = text.plain(format!("\n• {}", short(line, 200)));
    }
    parts.push(Part::Section(text));
    parts
}

/// Links of our own configuration.
fn ours(title: &str, links: &[Link]) -> Option<Part> {
    let mut text = Text::new().bold(title);
    for link in links.iter().take(LINKS_MAX) {
        text = text.plain("\n• ");
        text.0.push(Span::Link { url: link.url.clone(), text: link.title.clone() });
    }
    (!links.is_empty()).then_some(Part::Section(text))
}

/// The alert's own runbook and dashboards, each as a button that shows where it leads.
fn the_alerts(incident: &Incident) -> Vec<Part> {
    let alert = incident.latest.as_ref().unwrap_or(&incident.alert);
    let known = |title: &str| ["runbook", "playbook", "dashboard", "panel"].iter().any(|word| title.to_lowercase().contains(word));
    let mut links: Vec<&Link> = alert.links.iter().filter(|link| known(&link.title) && is_web(&link.url)).collect();
    let first = runbook(incident);
    links.sort_by_key(|link| Some(&link.url) != first.as_ref());
    let shown = links.into_iter().take(LINKS_MAX).enumerate().map(|(at, link)| {
        let text = Text::new().plain(format!("The alert's {}  ", short(&link.title, 40))).code(short(&link.url, 150));
        let open = Action::button(&format!("open_link_{at}"), "Open", incident.id.to_string());
        Part::Item(text, open.of_kind(ActionKind::Link { url: link.url.clone() }))
    });
    shown.collect()
}
