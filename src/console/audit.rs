//! The audit log: who did what to what, what came of it, and whether the log is whole.

use maud::{Markup, html};

use super::{
    layout, links,
    parts::{Head::Text, cell, chosen, empty, head_cell, long_cell, mark, paging, select, table, text_field, time},
    views::{Audit, AuditEntry, Frame, Place},
};

pub fn page(view: &Audit, frame: &Frame) -> String {
    let path = links::place(Place::Audit);
    let kept = [("actor", view.actor.as_str()), ("act", &view.act), ("object", &view.object), ("outcome", chosen(&view.outcomes))];
    let filtered = kept.iter().any(|(_, value)| !value.is_empty());
    let rows = html! { @for entry in &view.entries { (row(entry, frame)) } };
    let body = html! {
        div class="head" {
            h1 { "Audit" }
            p { span class="muted" { "Chain: " } (mark(&view.chain.state)) " " (view.chain.said) @if let Some(at) = view.chain.checked_at { " " span class="muted" { (time(at, frame)) } } }
        }
        search {
            form method="get" action=(path) class="filters" {
                (text_field("actor", "actor", "Actor", &view.actor))
                (text_field("act", "act", "Act", &view.act))
                (text_field("object", "object", "Object", &view.object))
                (select("outcome", "outcome", "Outcome", Some("All"), &view.outcomes))
                div class="buttons" {
                    button type="submit" class="primary" { "Filter" }
                    @if filtered { a class="button" href=(path) { "Reset" } }
                }
            }
        }
        @if view.entries.is_empty() && filtered { (empty("No entry matches these filters.", "Take a filter away, or reset them all.")) }
        @else if view.entries.is_empty() { (empty("The log is empty.", "What people and the bot do is written here.")) }
        @else { (table("Entries, newest first", &[Text("When"), Text("Actor"), Text("Act"), Text("Object"), Text("Outcome"), Text("Detail")], &rows)) }
        (paging(path, &kept, &view.paging))
    };
    layout::whole("Audit", frame, &body)
}

fn row(entry: &AuditEntry, frame: &Frame) -> Markup {
    html! {
        tr role="row" {
            (head_cell(&time(entry.at, frame)))
            (cell("Actor", &html! { (entry.actor) }))
            (cell("Act", &html! { (entry.act) }))
            (cell("Object", &html! { (entry.object) }))
            (cell("Outcome", &mark(&entry.outcome)))
            (long_cell("Detail", &html! { (entry.detail) }))
        }
    }
}
