//! Agents and health: who investigates, which live systems answer, and how the service itself stands.

use maud::{Markup, html};

use super::{
    layout,
    parts::{
        Head::{Number, Text},
        cell, duration, empty, head_cell, long_cell, mark, number_cell, table, time,
    },
    views::{Agents, Figure, Frame, Specialist, System},
};

pub fn page(view: &Agents, frame: &Frame) -> String {
    let systems = html! { @for one in &view.systems { (system(one, frame)) } };
    let specialists = html! { @for one in &view.specialists { (specialist(one)) } };
    let body = html! {
        div class="head" { h1 { "Agents and health" } }
        section aria-labelledby="service" {
            h2 id="service" { "This service" }
            @if view.figures.is_empty() { p class="muted" { "No figures yet." } }
            @else { dl class="figures" { @for one in &view.figures { (figure(one)) } } }
        }
        section aria-labelledby="systems" {
            h2 id="systems" { "Live systems" }
            @if view.systems.is_empty() { (empty("No live system is configured.", "Name one in the settings under tools; until then reports come from the alerts alone.")) }
            @else { (table("Live systems and their last answer", &[Text("System"), Text("Kind"), Text("State"), Text("What it said"), Number("Answer"), Text("Checked")], &systems)) }
        }
        section aria-labelledby="specialists" {
            h2 id="specialists" { "Specialists" }
            @if view.specialists.is_empty() { (empty("No specialist runs in this process.", "Start one with the role worker.")) }
            @else { (table("Specialists, what they take and use", &[Text("Specialist"), Text("State"), Text("Takes"), Text("Tools")], &specialists)) }
        }
    };
    layout::whole("Agents and health", frame, &body)
}

fn figure(figure: &Figure) -> Markup {
    html! {
        div class="figure" {
            dt { (figure.label) }
            dd {
                span class="value" { (figure.value) @if !figure.unit.is_empty() { " " span class="unit" { (figure.unit) } } }
                @if let Some(state) = &figure.state { (mark(state)) }
                @if !figure.note.is_empty() { span class="muted" { (figure.note) } }
            }
        }
    }
}

fn system(system: &System, frame: &Frame) -> Markup {
    html! {
        tr role="row" {
            (head_cell(&html! { (system.name) }))
            (cell("Kind", &html! { (system.kind) }))
            (cell("State", &mark(&system.state)))
            (long_cell("What it said", &html! { @if system.said.is_empty() { span class="muted" { "nothing to report" } } @else { (system.said) } }))
            (number_cell("Answer", &html! { @match system.took_ms { Some(ms) => (duration(ms)), None => span class="muted" { "none" } } }))
            (long_cell("Checked", &html! { @match system.checked_at { Some(at) => (time(at, frame)), None => span class="muted" { "never" } } }))
        }
    }
}

fn specialist(specialist: &Specialist) -> Markup {
    let tools = html! {
        @if specialist.tools.is_empty() { span class="muted" { "none" } }
        @else { ul class="inline" { @for tool in &specialist.tools { li { code { (tool) } } } } }
    };
    html! {
        tr role="row" {
            (head_cell(&html! { (specialist.name) }))
            (cell("State", &mark(&specialist.state)))
            (long_cell("Takes", &html! { (specialist.takes) }))
            (long_cell("Tools", &tools))
        }
    }
}
