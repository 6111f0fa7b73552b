//! One incident: what is the matter, what can be done, and everything that says so.

use maud::{Markup, html};

use super::{
    evidence,
    incidents::priority,
    layout, links,
    parts::{count, exact, fact, fact_if, mark, options, post, time},
    report, runbooks,
    views::{Act, Evidence, Export, Feedback, Frame, Incident, Moment},
};

pub fn page(view: &Incident, frame: &Frame) -> String {
    let body = html! {
        div class="head incident-head" {
            p class="eyebrow" { span class="id" { (view.id) } " " (priority(&view.priority)) " " (mark(&view.state)) }
            h1 { @if view.headline.is_empty() { (view.title) } @else { (view.headline) } }
            @if !view.headline.is_empty() { p class="muted" { (view.title) } }
            @if !view.state_line.is_empty() { p { (view.state_line) } }
            (acts(view, frame))
        }
        (contents(view))
        div class="columns" {
            div class="wide-column" {
                (report::section(view))
                (evidence::section(&view.evidence))
                (timeline(view))
            }
            div class="side-column" {
                (facts(view, frame))
                (runbooks::section(view, frame))
                (runs(view, frame))
                (deeds(view))
                (feedback(&view.id, &view.feedback, frame))
                (similar(view, frame))
                (exports(view))
            }
        }
    };
    let title = if view.headline.is_empty() { &view.title } else { &view.headline };
    layout::whole(&format!("{} {title}", view.id), frame, &body)
}

/// Where to jump to, on screens where one column follows the other.
fn contents(view: &Incident) -> Markup {
    let parts = [
        ("report", "Report", true),
        ("evidence", "Evidence", true),
        ("timeline", "Timeline", true),
        ("runbooks", "Runbooks", !view.runbooks.is_empty()),
        ("runs", "Runs", !view.runs.is_empty()),
        ("feedback", "Feedback", view.feedback.allowed || !view.feedback.given.is_empty()),
        ("similar", "Similar", !view.similar.is_empty()),
    ];
    html! {
        nav class="contents" aria-label="On this page" {
            ul class="inline" { @for (id, name, here) in parts { @if here { li { a href={ "#" (id) } { (name) } } } } }
        }
    }
}

fn acts(view: &Incident, frame: &Frame) -> Markup {
    html! {
        @if !view.acts.is_empty() {
            div class="acts" role="group" aria-label="Act on this incident" {
                @for act in &view.acts { (button(*act, view, frame)) }
            }
        }
    }
}

fn button(act: Act, view: &Incident, frame: &Frame) -> Markup {
    let action = links::act(&view.id, act);
    let (label, class) = match act {
        Act::Acknowledge => ("Acknowledge", "primary"),
        Act::Resolve => ("Resolve", "button"),
        Act::Reopen => ("Reopen", "button"),
        Act::Rerun => ("Investigate again", "button"),
        Act::AssignToMe => ("Assign to me", "button"),
        Act::Silence => {
            let body = html! {
                label for="silence-for" { "Silence for" }
                select id="silence-for" name="length" { (options(&view.silences)) }
                button type="submit" class="button" { "Silence" }
            };
            return post(&action, "joined", &frame.csrf, &body);
        }
    };
    post(&action, "plain", &frame.csrf, &html! { button type="submit" class=(class) { (label) } })
}

fn facts(view: &Incident, frame: &Frame) -> Markup {
    html! {
        section class="panel" aria-labelledby="facts" {
            h2 id="facts" { "Facts" }
            dl class="facts" {
                (fact_if("Service", &view.service))
                (fact_if("Namespace", &view.namespace))
                (fact_if("Cluster", &view.cluster))
                (fact("Owner", &html! { @match &view.owner { Some(owner) => (owner), None => span class="muted" { "nobody" } } }))
                (fact("Opened", &time(view.opened_at, frame)))
                (fact("Alerts", &html! { (count(view.alerts, "alert")) }))
            }
        }
    }
}

fn timeline(view: &Incident) -> Markup {
    html! {
        section class="panel" aria-labelledby="timeline" {
            h2 id="timeline" { "Timeline" }
            @if let Some(picture) = &view.picture && let Some(src) = links::safe_image(&picture.src) {
                img class="picture" src=(src) alt=(picture.alt);
            }
            @if view.timeline.is_empty() { p class="muted" { "Nothing is dated yet." } }
            @else { ol class="timeline" { @for moment in &view.timeline { (line(moment, &view.evidence)) } } }
        }
    }
}

fn line(moment: &Moment, evidence: &[Evidence]) -> Markup {
    html! {
        li {
            (exact(moment.at))
            p { (moment.text) @if let Some(id) = &moment.evidence { " " (evidence::cite(id, evidence)) } }
        }
    }
}

fn deeds(view: &Incident) -> Markup {
    html! {
        @if !view.deeds.is_empty() {
            section class="panel" aria-labelledby="deeds" {
                h2 id="deeds" { "What people did" }
                ol class="timeline" { @for deed in &view.deeds { li { (exact(deed.at)) p { strong { (deed.who) } " " (deed.text) } } } }
            }
        }
    }
}

fn runs(view: &Incident, frame: &Frame) -> Markup {
    html! {
        @if !view.runs.is_empty() {
            section class="panel" aria-labelledby="runs" {
                h2 id="runs" { "Runs" }
                ul class="rows" {
                    @for run in &view.runs {
                        li { a href=(links::run(&run.id)) { (run.title) } " " (mark(&run.state)) p class="muted" { (run.by) ", " (time(run.at, frame)) } }
                    }
                }
            }
        }
    }
}

fn feedback(id: &str, feedback: &Feedback, frame: &Frame) -> Markup {
    let verdicts = [("correct", "Correct"), ("one_hop_short", "One hop short: something further caused it"), ("wrong", "Wrong")];
    let form = html! {
        fieldset {
            legend { "Was the first cause right?" }
            @for (value, label) in verdicts {
                div class="choice" {
                    input type="radio" name="verdict" id={ "verdict-" (value) } value=(value) required;
                    label for={ "verdict-" (value) } { (label) }
                }
            }
        }
        div class="field" {
            label for="note" { "What it was " span class="muted" { "(optional)" } }
            textarea id="note" name="note" rows="2" maxlength="1000" {}
        }
        button type="submit" class="button" { "Send feedback" }
    };
    html! {
        @if feedback.allowed || !feedback.given.is_empty() {
            section class="panel" aria-labelledby="feedback" {
                h2 id="feedback" { "Feedback" }
                @if !feedback.given.is_empty() {
                    ul class="rows" {
                        @for given in &feedback.given {
                            li {
                                (mark(&given.verdict)) " " span class="muted" { (given.by) ", " (time(given.at, frame)) }
                                @if !given.note.is_empty() { p { (given.note) } }
                            }
                        }
                    }
                }
                @if feedback.allowed { (post(&links::feedback(id), "stack", &frame.csrf, &form)) }
            }
        }
    }
}

fn similar(view: &Incident, frame: &Frame) -> Markup {
    html! {
        @if !view.similar.is_empty() {
            section class="panel" aria-labelledby="similar" {
                h2 id="similar" { "Similar incidents" }
                ul class="rows" {
                    @for other in &view.similar {
                        li {
                            a href=(links::incident(&other.id)) { span class="id" { (other.id) } " " (other.title) }
                            @if !other.why.is_empty() { p { (other.why) } }
                            p class="muted" { (time(other.at, frame)) }
                        }
                    }
                }
            }
        }
    }
}

fn exports(view: &Incident) -> Markup {
    let name = |export: &Export| match export {
        Export::Markdown => "Markdown",
        Export::Json => "JSON",
        Export::Postmortem => "Postmortem draft",
    };
    html! {
        @if !view.exports.is_empty() {
            section class="panel" aria-labelledby="exports" {
                h2 id="exports" { "Take along" }
                ul class="inline" { @for export in &view.exports { li { a class="button" href=(links::export(&view.id, *export)) { (name(export)) } } } }
            }
        }
    }
}
