//! The list of incidents, with its filters.

use maud::{Markup, html};

use super::{
    layout, links,
    parts::{
        Head::{self, Number, Text},
        age, cell, chosen, confidence, count, empty, head_cell, mark, number, number_cell, paging, select, spare_cell, table, text_field,
    },
    views::{Frame, IncidentFilters, IncidentLine, IncidentRow, Incidents, Mark, Place, StormLine, Tone},
};

const HEADS: &[Head] = &[Text("Incident"), Text("State"), Text("Priority"), Text("Service"), Text("Owner"), Text("Age"), Number("Alerts")];

pub fn page(view: &Incidents, frame: &Frame) -> String {
    let path = links::place(Place::Incidents);
    let kept = kept(&view.filters);
    let filtered = kept.iter().any(|(_, value)| !value.is_empty());
    let body = html! {
        div class="head" {
            h1 { "Incidents" }
            @if let Some(total) = view.total { p class="muted" { (count(total, "incident")) @if filtered { " for these filters" } } }
        }
        (filters(&view.filters, path, filtered))
        @if view.rows.is_empty() && filtered {
            (empty("No incident matches these filters.", "Take a filter away, or reset them all."))
        } @else if view.rows.is_empty() {
            (empty("No incidents.", "An alert opens one: send an alert to the webhook, or post it in a channel that is watched."))
        } @else {
            (table("Incidents, newest first", HEADS, &html! { @for row in &view.rows { (line(row, frame)) } }))
        }
        (paging(path, &kept, &view.paging))
    };
    layout::whole("Incidents", frame, &body)
}

fn kept(filters: &IncidentFilters) -> [(&str, &str); 5] {
    [
        ("state", chosen(&filters.states)),
        ("priority", chosen(&filters.priorities)),
        ("service", &filters.service),
        ("owner", &filters.owner),
        ("text", &filters.text),
    ]
}

fn filters(filters: &IncidentFilters, path: &str, filtered: bool) -> Markup {
    html! {
        search {
            form method="get" action=(path) class="filters" {
                (select("state", "state", "State", Some("All"), &filters.states))
                (select("priority", "priority", "Priority", Some("All"), &filters.priorities))
                (text_field("service", "service", "Service", &filters.service))
                (text_field("owner", "owner", "Owner", &filters.owner))
                (text_field("text", "text", "Text", &filters.text))
                div class="buttons" {
                    button type="submit" class="primary" { "Filter" }
                    @if filtered { a class="button" href=(path) { "Reset" } }
                }
            }
        }
    }
}

fn line(row: &IncidentRow, frame: &Frame) -> Markup {
    match row {
        IncidentRow::Incident(line) => incident(line, frame),
        IncidentRow::Storm(line) => storm(line, frame),
    }
}

fn incident(line: &IncidentLine, frame: &Frame) -> Markup {
    let head = html! {
        a class="row-link" href=(links::incident(&line.id)) { span class="id" { (line.id) } " " (line.title) }
        @if let Some(cause) = &line.cause { p class="cause" { (cause) } }
        @if let Some(sure) = &line.confidence { p class="sure" { (confidence(sure)) } }
    };
    html! {
        tr role="row" {
            (head_cell(&head))
            (cell("State", &mark(&line.state)))
            (cell("Priority", &priority(&line.priority)))
            (cell("Service", &html! { (line.service) }))
            (cell("Owner", &html! { @match &line.owner { Some(owner) => (owner), None => span class="muted" { "nobody" } } }))
            (cell("Age", &age(line.opened_at, frame)))
            (number_cell("Alerts", &html! { (number(line.alerts)) }))
        }
    }
}

fn storm(line: &StormLine, frame: &Frame) -> Markup {
    let state = match line.ended {
        None => Mark::new("storm", Tone::Warn),
        Some(_) => Mark::new("storm over", Tone::Neutral),
    };
    let more = line.incidents.saturating_sub(line.first.len() as u64);
    let head = html! {
        span class="row-title" { (line.title) }
        p class="cause" { (count(line.incidents, "incident")) @if !line.shared.is_empty() { ", in common: " (line.shared.join(", ")) } }
        @if !line.first.is_empty() {
            ul class="inline" {
                @for id in &line.first { li { a href=(links::incident(id)) { (id) } } }
                @if more > 0 { li class="muted" { "and " (number(more)) " more" } }
            }
        }
    };
    let none = html! { span class="muted" { "several" } };
    html! {
        tr role="row" class="storm" {
            (head_cell(&head))
            (cell("State", &mark(&state)))
            (spare_cell("Priority", &none))
            (spare_cell("Service", &none))
            (spare_cell("Owner", &none))
            (cell("Age", &age(line.began, frame)))
            (number_cell("Alerts", &html! { (number(line.alerts)) }))
        }
    }
}

/// A priority; the two that wake people are set apart by weight and frame.
pub fn priority(priority: &str) -> Markup {
    let class = match priority {
        "P0" => "priority p0",
        "P1" => "priority p1",
        _ => "priority",
    };
    html! { span class=(class) { (priority) } }
}
