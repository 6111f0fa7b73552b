//! The runbooks that apply to an incident, each with the form that prepares a run.

use maud::{Markup, html};

use super::{
    links,
    parts::{mark, options, post},
    views::{Field, FieldKind, Frame, Incident, Runbook},
};

pub fn section(view: &Incident, frame: &Frame) -> Markup {
    html! {
        @if !view.runbooks.is_empty() {
            section class="panel" aria-labelledby="runbooks" {
                h2 id="runbooks" { "Runbooks that apply" }
                ul class="rows" { @for (at, one) in view.runbooks.iter().enumerate() { (runbook(one, at, view, frame)) } }
            }
        }
    }
}

fn runbook(one: &Runbook, at: usize, view: &Incident, frame: &Frame) -> Markup {
    let open = one.fields.iter().any(|field| field.error.is_some());
    let marks_required = one.fields.iter().any(|field| field.required);
    let form = html! {
        input type="hidden" name="runbook" value=(one.id);
        @if marks_required { p class="hint" { "Fields with " (required_mark()) " are required." } }
        @for (field_at, one) in one.fields.iter().enumerate() { (field(one, &format!("p-{at}-{field_at}"))) }
        p class="hint" { "This makes a dry run. Nothing changes before it is approved." }
        button type="submit" class="primary" { "Prepare the dry run" }
    };
    html! {
        li {
            p { strong { (one.title) } " " span class="muted" { "risk: " } (mark(&one.risk)) }
            @if !one.what.is_empty() { p { (one.what) } }
            @match &one.refusal {
                Some(reason) => p class="refusal" { "You cannot prepare it: " (reason) },
                None => details open[open] {
                    summary class="button" { "Prepare…" span class="unseen" { " " (one.title) } }
                    (post(&links::prepare(&view.id), "stack boxed", &frame.csrf, &form))
                },
            }
        }
    }
}

fn required_mark() -> Markup {
    html! { span class="required" aria-hidden="true" { "*" } span class="unseen" { "a star" } }
}

/// A browser complains about a number that is none, and shows nothing.
fn number(value: &str) -> Option<&str> {
    value.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| value)
}

/// A parameter's label, hint and input. `id` is made by us, because names come from outside.
fn field(field: &Field, id: &str) -> Markup {
    let name = format!("p.{}", field.name);
    let hint = (!field.hint.is_empty()).then(|| format!("{id}-hint"));
    let error = field.error.as_ref().map(|_| format!("{id}-error"));
    let described = match (&hint, &error) {
        (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
        (hint, error) => hint.clone().or_else(|| error.clone()),
    };
    let invalid = field.error.is_some().then_some("true");
    html! {
        div class="field" {
            label for=(id) { (field.label) @if field.required { " " span class="required" aria-hidden="true" { "*" } } }
            @if let Some(hint) = &hint { p class="hint" id=(hint) { (field.hint) } }
            @match &field.kind {
                FieldKind::Text { longest } => input type="text" id=(id) name=(name) value=(field.value) maxlength=(longest) required[field.required]
                    aria-describedby=[&described] aria-invalid=[invalid] autocomplete="off" spellcheck="false";,
                FieldKind::Number { min, max } => input type="number" id=(id) name=(name) value=[number(&field.value)] min=[min] max=[max] step="1"
                    required[field.required] aria-describedby=[&described] aria-invalid=[invalid] inputmode="numeric" autocomplete="off";,
                FieldKind::Select { options: choices } => select id=(id) name=(name) required[field.required]
                    aria-describedby=[&described] aria-invalid=[invalid] { (options(choices)) },
            }
            @if let (Some(id), Some(error)) = (&error, &field.error) { p class="problem" id=(id) { (error) } }
        }
    }
}
