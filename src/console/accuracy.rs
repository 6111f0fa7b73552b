//! Accuracy: how often the reports were right, as far as people said so.

use maud::{Markup, html};

use super::{
    chart, layout,
    parts::{
        Head::{Number, Text},
        bar, duration, empty, head_cell, long_cell, number, number_cell, percent, table,
    },
    views::{Accuracy, Bucket, Category, Frame, Week},
};

const VERDICTS: [&str; 3] = ["Correct", "One hop short", "Wrong"];

pub fn page(view: &Accuracy, frame: &Frame) -> String {
    let body = html! {
        div class="head" { h1 { "Accuracy" } }
        @if view.judged == 0 {
            (empty("No report was judged yet.", "Open an incident, choose correct, one hop short or wrong under Feedback, and send it. The buttons below a report in its thread do the same."))
        }
        dl class="figures" {
            (figure("Reports", &number(view.reports), ""))
            (figure("Judged by people", &number(view.judged), &of(view.judged, view.reports, "of the reports")))
            @if view.judged > 0 { (figure("Correct", &number(correct(view)), &of(correct(view), view.judged, "of the judged"))) }
            (figure("Alert to first report, median", &view.median_report_ms.map_or_else(|| "not known yet".to_owned(), duration), ""))
        }
        @if view.judged > 0 { (weeks(&view.weeks)) (categories(&view.categories)) (calibration(&view.calibration)) }
    };
    layout::whole("Accuracy", frame, &body)
}

fn correct(view: &Accuracy) -> u64 {
    view.weeks.iter().map(|week| week.correct).sum()
}

fn share(part: u64, all: u64) -> u32 {
    if all == 0 { 0 } else { percent(part as f64 / all as f64) }
}

fn of(part: u64, all: u64, what: &str) -> String {
    if all == 0 { String::new() } else { format!("{} % {what}", share(part, all)) }
}

fn figure(label: &str, value: &str, note: &str) -> Markup {
    html! {
        div class="figure" { dt { (label) } dd { span class="value" { (value) } @if !note.is_empty() { span class="muted" { (note) } } } }
    }
}

fn weeks(weeks: &[Week]) -> Markup {
    let rows = html! {
        @for week in weeks { (verdicts(&week.begins, week.correct, week.one_hop_short, week.wrong)) }
    };
    html! {
        section class="panel" aria-labelledby="weeks" {
            h2 id="weeks" { "Verdicts by week" }
            @if weeks.is_empty() { p class="muted" { "No week has a verdict." } }
            @else {
                (chart::weeks(weeks))
                details { summary { "The same as a table" } (table("Verdicts by week", &[Text("Week of"), Number("Correct"), Number("One hop short"), Number("Wrong"), Number("Share correct")], &rows)) }
            }
        }
    }
}

fn categories(categories: &[Category]) -> Markup {
    let rows = html! {
        @for one in categories { (verdicts(&one.name, one.correct, one.one_hop_short, one.wrong)) }
    };
    html! {
        @if !categories.is_empty() {
            section class="panel" aria-labelledby="categories" {
                h2 id="categories" { "By category of cause" }
                (table("Verdicts by category of the first cause", &[Text("Category"), Number("Correct"), Number("One hop short"), Number("Wrong"), Number("Share correct")], &rows))
            }
        }
    }
}

fn verdicts(name: &str, correct: u64, one_hop_short: u64, wrong: u64) -> Markup {
    let all = correct.saturating_add(one_hop_short).saturating_add(wrong);
    html! {
        tr role="row" {
            (head_cell(&html! { (name) }))
            @for (label, value) in VERDICTS.iter().zip([correct, one_hop_short, wrong]) { (number_cell(label, &html! { (number(value)) })) }
            (number_cell("Share correct", &html! { @if all == 0 { span class="muted" { "none" } } @else { (share(correct, all)) " %" } }))
        }
    }
}

fn calibration(buckets: &[Bucket]) -> Markup {
    let rows = html! {
        @for one in buckets {
            tr role="row" {
                (head_cell(&html! { (percent(one.from)) "–" (percent(one.to)) " %" }))
                (number_cell("Judged", &html! { (number(one.judged)) }))
                (long_cell("Share correct", &html! { @if one.judged == 0 { span class="muted" { "none" } } @else { span class="confidence" { (bar(share(one.correct, one.judged))) span { (share(one.correct, one.judged)) " %" } } } }))
            }
        }
    };
    html! {
        @if !buckets.is_empty() {
            section class="panel" aria-labelledby="calibration" {
                h2 id="calibration" { "Calibration" }
                p class="muted" { "A confidence is honest when the share of correct reports lies within its range." }
                (table("Confidence against the share that was correct", &[Text("Confidence"), Number("Judged"), Text("Share correct")], &rows))
            }
        }
    }
}
