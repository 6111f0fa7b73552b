//! The small parts that every page is made of: marks, times, numbers, tables, form fields.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    links,
    views::{Choice, Confidence, Csrf, Frame, Mark, Paging, Tone},
};

/// A word with its dot. The dot has a shape for each tone, so that it does not speak by colour alone.
pub fn mark(mark: &Mark) -> Markup {
    html! { span class={ "mark " (tone_class(mark.tone)) } { span class="dot" aria-hidden="true" {} (mark.word) } }
}

pub fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

/// A time in UTC, to the minute, and how long ago that was.
pub fn time(at: Timestamp, frame: &Frame) -> Markup {
    html! { span class="when" { (instant(at, "%Y-%m-%d %H:%M UTC")) " " (relative(at, frame)) } }
}

/// A time in UTC, to the second, for sequences in which seconds count.
pub fn exact(at: Timestamp) -> Markup {
    instant(at, "%Y-%m-%d %H:%M:%S UTC")
}

/// How long ago first, the time itself below: for columns of ages.
pub fn age(at: Timestamp, frame: &Frame) -> Markup {
    html! { span class="age" { (relative(at, frame)) " " (instant(at, "%Y-%m-%d %H:%M UTC")) } }
}

fn instant(at: Timestamp, format: &str) -> Markup {
    html! { time datetime=(at) { (at.strftime(format)) } }
}

fn relative(at: Timestamp, frame: &Frame) -> Markup {
    html! { span class="ago" data-at=(at) { (ago(at, frame.now)) } }
}

/// `just now`, `12 min ago`, `in 4 min`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second());
    match seconds {
        -4..=4 => "just now".to_owned(),
        5.. => format!("{} ago", span(seconds.unsigned_abs())),
        _ => format!("in {}", span(seconds.unsigned_abs())),
    }
}

/// `40 s`, `12 min`, `5 h`, `3 d`: one number, the script says the same.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `48 ms`, `1.2 s`, `3 min 20 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        10_000..120_000 => format!("{} s", ms / 1000),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Milliseconds from one time to another, and 0 the other way round.
pub fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond().saturating_sub(from.as_millisecond())).unwrap_or_default()
}

/// `18,204`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 alert`, `3 alerts`.
pub fn count(value: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(value), if value == 1 { "" } else { "s" })
}

/// 0 to 100, whatever the number is.
pub fn percent(share: f64) -> u32 {
    // NaN fails both comparisons of clamp and becomes 0 in the conversion.
    (share.clamp(0.0, 1.0) * 100.0).round() as u32
}

/// `high, 92 %`, with a bar.
pub fn confidence(confidence: &Confidence) -> Markup {
    let percent = percent(confidence.share);
    html! {
        span class="confidence" {
            (bar(percent))
            span { (confidence.word) " confidence, " (percent) " %" }
        }
    }
}

/// A bar of 0 to 100; the number must stand beside it.
pub fn bar(percent: u32) -> Markup {
    html! {
        svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class="bar-all" width="100" height="8" {}
            rect class="bar-part" width=(percent) height="8" {}
        }
    }
}

/// A form that changes something: it always carries the token.
pub fn post(action: &str, class: &str, csrf: &Csrf, body: &Markup) -> Markup {
    html! {
        form method="post" action=(action) class=(class) {
            input type="hidden" name="csrf" value=(csrf.0);
            (body)
        }
    }
}

/// A select with its label above; `all` adds an entry for no choice.
pub fn select(id: &str, name: &str, label: &str, all: Option<&str>, choices: &[Choice]) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (label) }
            select id=(id) name=(name) {
                @if let Some(all) = all { option value="" { (all) } }
                (options(choices))
            }
        }
    }
}

pub fn options(choices: &[Choice]) -> Markup {
    html! { @for choice in choices { option value=(choice.value) selected[choice.chosen] { (choice.label) } } }
}

/// A line of text with its label above.
pub fn text_field(id: &str, name: &str, label: &str, value: &str) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (label) }
            input id=(id) name=(name) type="text" value=(value) maxlength="200" autocomplete="off" spellcheck="false";
        }
    }
}

/// The value of the chosen entry, for addresses that keep the filters.
pub fn chosen(choices: &[Choice]) -> &str {
    choices.iter().find(|choice| choice.chosen).map_or("", |choice| choice.value.as_str())
}

/// The head of a column: over texts, or over numbers, whose digits align at the right.
#[derive(Debug, Clone, Copy)]
pub enum Head {
    Text(&'static str),
    Number(&'static str),
}

/// A table that becomes cards on a narrow screen. The roles are said out loud because cards take them away otherwise.
pub fn table(caption: &str, heads: &[Head], rows: &Markup) -> Markup {
    html! {
        table role="table" class="cards" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for head in heads {
                        @match head {
                            Head::Text(name) => th scope="col" role="columnheader" { (name) },
                            Head::Number(name) => th scope="col" role="columnheader" class="number" { (name) },
                        }
                    }
                }
            }
            tbody role="rowgroup" { (rows) }
        }
    }
}

/// The cell that names its row.
pub fn head_cell(body: &Markup) -> Markup {
    html! { th scope="row" role="rowheader" { (body) } }
}

/// A cell, with the name of its column for when it is part of a card.
pub fn cell(label: &str, body: &Markup) -> Markup {
    html! { td role="cell" data-label=(label) { div { (body) } } }
}

/// A cell of a sentence: it has a card's whole width.
pub fn long_cell(label: &str, body: &Markup) -> Markup {
    html! { td role="cell" class="long" data-label=(label) { div { (body) } } }
}

/// A cell with nothing of its own to say, left out of a card.
pub fn spare_cell(label: &str, body: &Markup) -> Markup {
    html! { td role="cell" class="spare" data-label=(label) { div { (body) } } }
}

/// A number, set so that its digits align.
pub fn number_cell(label: &str, body: &Markup) -> Markup {
    html! { td role="cell" class="number" data-label=(label) { div { (body) } } }
}

/// Links to the neighbouring pages. The filters are kept.
pub fn paging(path: &str, filters: &[(&str, &str)], paging: &Paging) -> Markup {
    let to = |name: &'static str, cursor: &str| {
        let mut pairs = filters.to_vec();
        pairs.push((name, cursor));
        format!("{path}{}", links::query(&pairs))
    };
    html! {
        @if paging.newer.is_some() || paging.older.is_some() {
            nav class="paging" aria-label="Pages" {
                @if let Some(cursor) = &paging.newer { a class="button" rel="prev" href=(to("before", cursor)) { "← Newer" } }
                @if let Some(cursor) = &paging.older { a class="button" rel="next" href=(to("after", cursor)) { "Older →" } }
            }
        }
    }
}

/// What a list says when nothing is in it.
pub fn empty(title: &str, hint: &str) -> Markup {
    html! { div class="empty" { p class="empty-title" { (title) } @if !hint.is_empty() { p { (hint) } } } }
}

/// A fact with its name, in a list of facts.
pub fn fact(name: &str, body: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (body) } } }
}

/// A fact that is left out where there is none.
pub fn fact_if(name: &str, value: &str) -> Markup {
    html! { @if !value.is_empty() { (fact(name, &html! { (value) })) } }
}

/// A link to an address from outside; the address as text where it is not one to follow.
pub fn outside(address: &str, text: &str) -> Markup {
    html! {
        @match links::safe_href(address) {
            Some(href) => a href=(href) rel="noopener noreferrer external" target="_blank" { (text) span class="unseen" { " (opens in a new tab)" } },
            None => code { (address) },
        }
    }
}
