//! One run of a runbook: its steps, what they came to, and whether it helped.

use maud::{Markup, html};

use super::{
    diff, layout, links,
    parts::{between, duration, exact, fact, fact_if, mark, time},
    views::{Frame, Mark, Place, Run, RunStep, StepState, Tone},
};

pub fn page(view: &Run, frame: &Frame) -> String {
    let approved = view.approved_by.join(", ");
    let body = html! {
        div class="head" {
            p class="eyebrow" {
                @match &view.incident {
                    Some(id) => a href=(links::incident(id)) { "← " (id) },
                    None => a href=(links::place(Place::Approvals)) { "← Approvals" },
                }
            }
            h1 { (view.title) }
            p { (mark(&view.state)) }
        }
        section class="panel" aria-labelledby="facts" {
            h2 id="facts" { "Facts" }
            dl class="facts wide-facts" {
                (fact_if("Where", &view.place))
                (fact("Risk", &mark(&view.risk)))
                (fact("Asked by", &html! { (view.asked_by) ", " (time(view.asked_at, frame)) }))
                (fact("Approved by", &html! { @if approved.is_empty() { span class="muted" { "nobody" } } @else { (approved) } }))
                @if let Some(ended) = view.ended_at { (fact("Ended", &time(ended, frame))) }
                (fact_if("Run", &view.id))
                @if !view.hash.is_empty() { (fact("Hash", &html! { code class="hash" { (view.hash) } })) }
            }
        }
        section class="panel" aria-labelledby="steps" {
            h2 id="steps" { "Steps" }
            @if view.steps.is_empty() { p class="muted" { "No step has begun." } }
            @else { ol class="run-steps" { @for (at, one) in view.steps.iter().enumerate() { (step(one, at)) } } }
        }
        section class="panel" aria-labelledby="verification" {
            h2 id="verification" { "Verification" }
            @match &view.verification {
                Some(found) => { p { (mark(&found.result)) " " (found.said) } p class="muted" { (time(found.at, frame)) } }
                None => p class="muted" { "Not verified yet: that comes after the last step." },
            }
        }
        section class="panel" aria-labelledby="change" {
            h2 id="change" { "What it changes" }
            (diff::block(&view.diff, "Dry run of this run"))
        }
    };
    layout::whole(&format!("Run: {}", view.title), frame, &body)
}

fn step(step: &RunStep, at: usize) -> Markup {
    let took = step.began.zip(step.ended).map(|(began, ended)| duration(between(began, ended)));
    html! {
        li {
            p { strong { (step.title) } " " (mark(&state(step.state))) }
            @if let Some(began) = step.began {
                p class="muted" { (exact(began)) @if let Some(ended) = step.ended { " to " (exact(ended)) } @if let Some(took) = took { ", " (took) } }
            }
            @if !step.said.is_empty() { pre tabindex="0" role="group" aria-label={ "What step " (at + 1) " said" } { code { (step.said) } } }
        }
    }
}

fn state(state: StepState) -> Mark {
    match state {
        StepState::Waiting => Mark::new("waiting", Tone::Neutral),
        StepState::Running => Mark::new("running", Tone::Busy),
        StepState::Done => Mark::new("done", Tone::Good),
        StepState::Failed => Mark::new("failed", Tone::Bad),
        StepState::RolledBack => Mark::new("rolled back", Tone::Warn),
        StepState::Skipped => Mark::new("skipped", Tone::Neutral),
    }
}
