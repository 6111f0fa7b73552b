//! Approvals: what waits for a decision, and what was decided.

use maud::{Markup, html};

use super::{
    diff, layout, links,
    parts::{Head::Text, cell, empty, fact, fact_if, head_cell, long_cell, mark, post, table, time},
    views::{Approvals, Decided, Frame, Pending},
};

pub fn page(view: &Approvals, frame: &Frame) -> String {
    let body = html! {
        div class="head" { h1 { "Approvals" } }
        section aria-labelledby="pending" {
            h2 id="pending" { "Waiting for a decision" }
            @if view.pending.is_empty() { (empty("Nothing waits for approval.", "A runbook that is prepared on an incident's page, or in its thread, shows up here.")) }
            @for (at, one) in view.pending.iter().enumerate() { (card(one, at, frame)) }
        }
        section aria-labelledby="decided" {
            h2 id="decided" { "Decided" }
            @if view.decided.is_empty() { p class="muted" { "Nothing was decided yet." } }
            @else { (table("Decided, newest first", &[Text("Run"), Text("Where"), Text("Outcome"), Text("By"), Text("When"), Text("Reason")], &html! { @for one in &view.decided { (row(one, frame)) } })) }
        }
    };
    layout::whole("Approvals", frame, &body)
}

fn card(one: &Pending, at: usize, frame: &Frame) -> Markup {
    let reason = format!("deny-reason-{at}");
    let deny = html! {
        div class="field" {
            label for=(reason) { "Reason " span class="muted" { "(optional)" } }
            input type="text" id=(reason) name="reason" maxlength="500" autocomplete="off";
        }
        input type="hidden" name="hash" value=(one.hash);
        button type="submit" class="danger" { "Deny" span class="unseen" { " " (one.title) } }
    };
    html! {
        article class="panel" aria-labelledby={ "pending-" (at) } {
            h3 id={ "pending-" (at) } { (one.title) }
            (what(one, frame))
            (diff::block(&one.diff, &format!("Dry run of {}", one.title)))
            @if let Some(reason) = &one.refusal { p class="refusal" { "You cannot approve it: " (reason) } }
            div class="decide" {
                @if one.refusal.is_none() { a class="button primary" href=(links::approve(&one.id)) { "Approve…" span class="unseen" { " " (one.title) } } }
                @if one.can_deny { (post(&links::deny(&one.id), "joined", &frame.csrf, &deny)) }
            }
        }
    }
}

/// What is asked, where, by whom, until when, and how it is verified.
pub fn what(one: &Pending, frame: &Frame) -> Markup {
    html! {
        dl class="facts wide-facts" {
            (fact_if("Where", &one.place))
            (fact("Risk", &mark(&one.risk)))
            (fact("Asked by", &html! { (one.asked_by) ", " (time(one.asked_at, frame)) }))
            (fact("Expires", &time(one.expires_at, frame)))
            (fact_if("Agreed", &one.agreed))
            @if let Some(id) = &one.incident { (fact("Incident", &html! { a href=(links::incident(id)) { (id) } })) }
            @if !one.verify.is_empty() { (fact("Verified by", &html! { ul { @for line in &one.verify { li { (line) } } } })) }
            (fact("Hash", &html! { code class="hash" { (one.hash) } }))
        }
    }
}

fn row(one: &Decided, frame: &Frame) -> Markup {
    html! {
        tr role="row" {
            (head_cell(&html! { a class="row-link" href=(links::run(&one.id)) { (one.title) } }))
            (long_cell("Where", &html! { (one.place) }))
            (cell("Outcome", &mark(&one.outcome)))
            (cell("By", &html! { @if one.by.is_empty() { span class="muted" { "nobody" } } @else { (one.by) } }))
            (long_cell("When", &time(one.at, frame)))
            (long_cell("Reason", &html! { @if one.reason.is_empty() { span class="muted" { "none given" } } @else { (one.reason) } }))
        }
    }
}
