//! What an investigation came to, as part of an incident's page.

use maud::{Markup, html};

use super::{
    evidence::cites,
    parts::{confidence, duration, mark},
    views::{Cause, Evidence, Incident, Report, Step},
};

pub fn section(view: &Incident) -> Markup {
    html! {
        section class="panel" aria-labelledby="report" {
            h2 id="report" { "Report" }
            @match &view.report {
                Some(report) => (body(report, &view.evidence)),
                None => p class="muted" { "There is no report yet. It appears here, and in the incident's thread, when the investigation ends." },
            }
        }
    }
}

fn body(report: &Report, evidence: &[Evidence]) -> Markup {
    html! {
        p class="muted" { (mark(&report.status)) " after " (duration(report.took_ms)) }
        @if report.causes.is_empty() { p { "No cause is named: nothing that was seen supports one." } }
        @else {
            h3 { "Causes, likeliest first" }
            ol class="causes" { @for one in &report.causes { (cause(one, evidence)) } }
        }
        (steps("Do now", &report.actions))
        @if !report.impact.is_empty() { h3 { "Impact" } p { (report.impact) } }
        (steps("Prevention", &report.prevention))
        (lines("Ruled out", &report.ruled_out))
        (lines("Could not check", &report.gaps))
    }
}

fn cause(cause: &Cause, evidence: &[Evidence]) -> Markup {
    html! {
        li class="cause-item" {
            p class="statement" { span class="rank" { "#" (cause.rank) } " " (cause.statement) }
            p class="sure" { (confidence(&cause.confidence)) }
            p class="muted" { code { (cause.category) } @if !cause.entity.is_empty() { " · " (cause.entity) } }
            @if !cause.supporting.is_empty() { p class="cited" { "Because of " (cites(&cause.supporting, evidence)) } }
            @if !cause.contradicting.is_empty() { p class="cited" { "Against it " (cites(&cause.contradicting, evidence)) } }
            @if !cause.falsifier.is_empty() { p class="muted" { "Would be refuted by: " (cause.falsifier) } }
        }
    }
}

fn steps(title: &str, steps: &[Step]) -> Markup {
    html! {
        @if !steps.is_empty() {
            h3 { (title) }
            ul class="steps" {
                @for (at, step) in steps.iter().enumerate() {
                    @if step.command { li { pre class="command" tabindex="0" role="group" aria-label={ (title) ", command " (at + 1) } { code { (step.text) } } } }
                    @else { li { (step.text) } }
                }
            }
        }
    }
}

fn lines(title: &str, lines: &[String]) -> Markup {
    html! { @if !lines.is_empty() { h3 { (title) } ul { @for line in lines { li { (line) } } } } }
}
