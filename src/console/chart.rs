//! The verdicts of each week as stacked bars, drawn here as SVG: no script, no style attribute, a title and a description.

use maud::{Markup, html};

use super::{parts::count, views::Week};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 10.0;
/// Half a year; more bars are too thin to be told apart.
const WEEKS_MAX: usize = 26;
/// A label for each week fits below up to this many.
const LABELS_MAX: usize = 9;

pub fn weeks(weeks: &[Week]) -> Markup {
    let weeks = weeks.get(weeks.len().saturating_sub(WEEKS_MAX)..).unwrap_or(weeks);
    let top = ceiling(weeks.iter().map(all).max().unwrap_or_default());
    let slot = (WIDTH - LEFT) / weeks.len().max(1) as f64;
    html! {
        figure class="chart" {
            div class="scroll" tabindex="0" role="group" aria-label="Chart of the verdicts by week" {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="chart-title chart-text" {
                    title id="chart-title" { "Verdicts by week" }
                    desc id="chart-text" { (described(weeks)) }
                    defs { (patterns()) }
                    @for value in [0, top / 2, top] {
                        @let y = height(value, top);
                        line class="grid" x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                        text class="axis" x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (value) }
                    }
                    @for (at, week) in weeks.iter().enumerate() { (stack(week, at, slot, top)) (label(week, at, weeks.len(), slot)) }
                }
            }
            figcaption {
                ul class="legend" { @for (class, name) in [("correct", "Correct"), ("short", "One hop short"), ("wrong", "Wrong")] { li { (swatch(class)) (name) } } }
            }
        }
    }
}

fn all(week: &Week) -> u64 {
    week.correct.saturating_add(week.one_hop_short).saturating_add(week.wrong)
}

/// The next even number with one digit that counts, so that half of it is whole: 2, 4, 6, 8, 10, 20, 30…
fn ceiling(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for top in (1..=10).map(|step| unit.saturating_mul(step)) {
            if top >= most && top.is_multiple_of(2) {
                return top;
            }
        }
        match unit.checked_mul(10) {
            Some(next) => unit = next,
            None => return u64::MAX,
        }
    }
}

fn height(value: u64, top: u64) -> f64 {
    let room = HEIGHT - BOTTOM - TOP;
    TOP + room * (1.0 - value as f64 / top.max(1) as f64)
}

fn stack(week: &Week, at: usize, slot: f64, top: u64) -> Markup {
    let width = (slot * 0.7).min(48.0);
    let x = LEFT + slot * at as f64 + (slot - width) / 2.0;
    let mut below = 0_u64;
    let mut parts = Vec::with_capacity(3);
    for (class, value) in [("correct", week.correct), ("short", week.one_hop_short), ("wrong", week.wrong)] {
        let above = below.saturating_add(value);
        parts.push((class, height(above, top), height(below, top) - height(above, top)));
        below = above;
    }
    html! {
        @for (class, y, tall) in parts {
            @if tall > 0.0 {
                rect class=(class) x=(rounded(x)) y=(rounded(y)) width=(rounded(width)) height=(rounded(tall)) {}
                @if class != "correct" { rect fill={ "url(#" (class) ")" } x=(rounded(x)) y=(rounded(y)) width=(rounded(width)) height=(rounded(tall)) {} }
            }
        }
    }
}

fn label(week: &Week, at: usize, weeks: usize, slot: f64) -> Markup {
    let every = weeks.div_ceil(LABELS_MAX).max(1);
    // Month and day; the year is in the table.
    let text = week.begins.split_once('-').map_or(week.begins.as_str(), |(_, day)| day);
    let text: String = text.chars().take(10).collect();
    html! {
        @if at.is_multiple_of(every) {
            text class="axis" x=(rounded(LEFT + slot * (at as f64 + 0.5))) y=(HEIGHT - 8.0) text-anchor="middle" { (text) }
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Hatching over the colours, for those who do not tell the colours apart.
fn patterns() -> Markup {
    html! {
        pattern id="short" width="6" height="6" patternUnits="userSpaceOnUse" { path class="hatch" d="M0 6 L6 0" {} }
        pattern id="wrong" width="5" height="5" patternUnits="userSpaceOnUse" { path class="hatch" d="M0 0 L5 5 M0 5 L5 0" {} }
    }
}

fn swatch(class: &str) -> Markup {
    html! {
        svg class="swatch" viewBox="0 0 14 14" aria-hidden="true" focusable="false" {
            rect class=(class) width="14" height="14" {}
            @if class != "correct" { rect fill={ "url(#" (class) ")" } width="14" height="14" {} }
        }
    }
}

fn described(weeks: &[Week]) -> String {
    let sum = |of: fn(&Week) -> u64| weeks.iter().map(of).fold(0_u64, u64::saturating_add);
    let (correct, short, wrong) = (sum(|week| week.correct), sum(|week| week.one_hop_short), sum(|week| week.wrong));
    format!(
        "{}: {correct} correct, {short} one hop short, {wrong} wrong. The table below has the numbers of each week.",
        count(weeks.len() as u64, "week")
    )
}
