//! The picture's lines, shapes and words as SVG. Pure: the same timeline gives the same text.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, civil};

use super::{HEIGHT, Mark, Meaning, Picture, WIDTH};

const LEFT: f64 = 44.0;
const RIGHT: f64 = WIDTH as f64 - 44.0;
/// Where the time axis runs.
const AXIS: f64 = 330.0;
/// How high the tallest bar is.
const BARS: f64 = 100.0;
/// The rows in which labels stand, from the top; three keep neighbours apart.
const ROWS: [f64; 3] = [118.0, 164.0, 210.0];
const LABEL_SIZE: f64 = 31.0;
/// What a label needs beside its words: its mark, and a gap.
const ROOM: f64 = 36.0;
/// The width of a character of the typeface against its size, on the safe side.
const CHARACTER: f64 = 0.53;

const GROUND: &str = "#16181d";
const INK: &str = "#ffffff";
const QUIET: &str = "#9aa3b2";
const BAR: &str = "#4c5668";
/// Okabe and Ito's palette, as far as it stands out from the dark ground.
const ORANGE: &str = "#e69f00";
const RED: &str = "#ff6a3d";
const BLUE: &str = "#56b4e9";
const YELLOW: &str = "#f0e442";
const GREEN: &str = "#2fd6a3";

pub fn svg(picture: &Picture) -> String {
    let scale = Scale::of(picture);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Ubuntu"><defs><pattern id="bad" width="10" height="10" patternUnits="userSpaceOnUse"><rect width="10" height="3" fill="{RED}" fill-opacity="0.3"/></pattern></defs><rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{GROUND}"/>"#
    );
    text(&mut out, LEFT - 12.0, 54.0, 39.0, INK, "start", 1.0, &picture.headline);
    bad_time(&mut out, picture, &scale);
    bars(&mut out, picture, &scale);
    axis(&mut out, &scale);
    marks(&mut out, picture, &scale);
    legend(&mut out, picture);
    out.push_str("</svg>");
    out
}

/// Instants to places.
struct Scale {
    from: i64,
    to: i64,
}

impl Scale {
    fn of(picture: &Picture) -> Self {
        let (from, to) = (picture.from.as_millisecond(), picture.to.as_millisecond());
        // A little before shows what was usual; a little after keeps the last mark off the edge.
        let margin = (to - from).max(1) / 10;
        Self { from: from - margin, to: to + margin }
    }

    fn x(&self, at: i64) -> f64 {
        let part = (at - self.from) as f64 / (self.to - self.from).max(1) as f64;
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

/// From the onset until it was over, or to the right edge: striped, so that it does not depend on its colour.
fn bad_time(out: &mut String, picture: &Picture, scale: &Scale) {
    let first = |meaning| picture.marks.iter().find(|mark| mark.meaning == meaning).map(|mark| scale.x(mark.at.as_millisecond()));
    let Some(from) = first(Meaning::Onset) else { return };
    let to = first(Meaning::Over).filter(|to| *to > from).unwrap_or(RIGHT);
    let _ = write!(out, r#"<rect x="{from:.1}" y="228" width="{:.1}" height="{:.1}" fill="url(#bad)"/>"#, to - from, AXIS - 228.0);
}

fn bars(out: &mut String, picture: &Picture, scale: &Scale) {
    let activity = &picture.activity;
    let (Some(from), Some(most)) = (activity.from, activity.lines.iter().max().filter(|most| **most > 0)) else { return };
    let step = i64::try_from(activity.step_ms).unwrap_or_default();
    for (number, (lines, errors)) in (0i64..).zip(activity.lines.iter().zip(&activity.errors)) {
        let begin = from.as_millisecond() + step * number;
        if *lines == 0 || begin + step < scale.from || begin > scale.to {
            continue;
        }
        let (x, end) = (scale.x(begin), scale.x(begin + step));
        let width = (end - x - 1.5).max(1.5);
        // A single line is still seen.
        let height = |count: u32| if count == 0 { 0.0 } else { (BARS * f64::from(count) / f64::from(*most)).max(4.0) };
        let (all, bad) = (height(*lines), height(*errors));
        let _ = write!(out, r#"<rect x="{x:.1}" y="{:.1}" width="{width:.1}" height="{all:.1}" fill="{BAR}"/>"#, AXIS - all);
        if bad > 0.0 {
            let _ = write!(out, r#"<rect x="{x:.1}" y="{:.1}" width="{width:.1}" height="{bad:.1}" fill="{RED}"/>"#, AXIS - bad);
        }
    }
}

/// Distances between two times of the axis that people count in, in seconds.
const STEPS: &[i64] =
    &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

fn axis(out: &mut String, scale: &Scale) {
    let _ = write!(out, r#"<path d="M{LEFT} {AXIS}H{RIGHT}" stroke="{QUIET}" stroke-width="2"/>"#);
    let span = (scale.to - scale.from) / 1000;
    let step = STEPS.iter().copied().find(|step| span / step <= 5).unwrap_or(span.max(1));
    let format = match step {
        ..60 => "%H:%M:%S",
        60..86_400 => "%H:%M",
        _ => "%-d %b",
    };
    let mut at = (scale.from / 1000).div_euclid(step) * step;
    while at * 1000 <= scale.to {
        let x = scale.x(at * 1000);
        let (fits, room) = (at * 1000 >= scale.from, x > LEFT + 30.0 && x < RIGHT - 110.0);
        if fits && room {
            let _ = write!(out, r#"<path d="M{x:.1} {AXIS}v8" stroke="{QUIET}" stroke-width="2"/>"#);
            let label = Timestamp::from_second(at).map(|at| at.strftime(format).to_string()).unwrap_or_default();
            text(out, x, AXIS + 32.0, 26.0, QUIET, "middle", 0.0, &label);
        }
        at += step;
    }
    text(out, RIGHT, AXIS + 32.0, 26.0, QUIET, "end", 0.0, "UTC");
}

fn marks(out: &mut String, picture: &Picture, scale: &Scale) {
    // Where the last label of each row ends.
    let mut ends = [f64::MIN; ROWS.len()];
    let (mut lines, mut shapes, mut labels) = (String::new(), String::new(), String::new());
    for mark in &picture.marks {
        let x = scale.x(mark.at.as_millisecond());
        let label = format!("{} {}", clock(mark.at, scale), mark.label);
        let width = label.chars().count() as f64 * LABEL_SIZE * CHARACTER + ROOM;
        // To the right of its mark where there is room, else to the left.
        let rightwards = x + width <= RIGHT + 20.0;
        let (begin, end) = if rightwards { (x, x + width) } else { (x - width, x) };
        let free = ends.iter().position(|end| *end < begin);
        let row = free.or_else(|| ends.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map(|(row, _)| row)).unwrap_or(0);
        let y = ROWS.get(row).copied().unwrap_or(ROWS[0]);
        let colour = colour(mark.meaning);
        let _ = write!(lines, r#"<path d="M{x:.1} {y:.1}V{AXIS}" stroke="{colour}" stroke-width="4"/>"#);
        shape(&mut shapes, mark.meaning, x, y - 11.0, 17.0);
        // Words that would lie upon other words are left out; the mark stays, and the report has them all.
        if free.is_none() {
            continue;
        }
        let (at, anchor, from) = if rightwards { (x + 27.0, "start", x + 21.0) } else { (x - 27.0, "end", end - width + 12.0) };
        // A later mark's line does not run through these words.
        let _ =
            write!(labels, r#"<rect x="{from:.1}" y="{:.1}" width="{:.1}" height="38" fill="{GROUND}"/>"#, y - 28.0, width - ROOM + 6.0);
        text(&mut labels, at, y, LABEL_SIZE, INK, anchor, 0.4, &label);
        if let Some(taken) = ends.get_mut(row) {
            *taken = end;
        }
    }
    for layer in [lines, labels, shapes] {
        out.push_str(&layer);
    }
}

fn clock(at: Timestamp, scale: &Scale) -> String {
    let short = scale.to - scale.from < SignedDuration::from_mins(5).as_millis() as i64;
    at.strftime(if short { "%H:%M:%S" } else { "%H:%M" }).to_string()
}

fn colour(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Change => ORANGE,
        Meaning::Onset => RED,
        Meaning::Seen => BLUE,
        Meaning::Alert => YELLOW,
        Meaning::Over => GREEN,
    }
}

/// Diamond, cross, dot, triangle, tick: told apart without their colours.
fn shape(out: &mut String, meaning: Meaning, x: f64, y: f64, r: f64) {
    let colour = colour(meaning);
    // How large the sign inside a disc is.
    let k = r * 0.75;
    let _ = match meaning {
        Meaning::Change => write!(out, r#"<path d="M{x:.1} {:.1}l{r} {r}l-{r} {r}l-{r} -{r}z" fill="{colour}"/>"#, y - r),
        Meaning::Onset => write!(
            out,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{}" fill="{colour}"/><path d="M{:.1} {:.1}l{k:.1} {k:.1}m0 -{k:.1}l-{k:.1} {k:.1}" stroke="{GROUND}" stroke-width="4" stroke-linecap="round"/>"#,
            r + 1.0,
            x - k / 2.0,
            y - k / 2.0
        ),
        Meaning::Seen => write!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{}" fill="{colour}"/>"#, r - 2.0),
        Meaning::Alert => {
            write!(out, r#"<path d="M{x:.1} {:.1}l{} {}h-{}z" fill="{colour}"/>"#, y - r - 1.0, r + 1.0, r * 2.0, r * 2.0 + 2.0)
        }
        Meaning::Over => write!(
            out,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{}" fill="{colour}"/><path d="M{:.1} {:.1}l{:.1} {:.1}l{:.1} -{:.1}" stroke="{GROUND}" stroke-width="4" fill="none" stroke-linecap="round" stroke-linejoin="round"/>"#,
            r + 1.0,
            x - k * 0.6,
            y + k * 0.05,
            k * 0.45,
            k * 0.5,
            k * 0.75,
            k * 0.95
        ),
    };
}

/// Only what the picture has.
fn legend(out: &mut String, picture: &Picture) {
    let mut x = LEFT + 10.0;
    let y = HEIGHT as f64 - 16.0;
    let mut meanings: Vec<Meaning> = picture.marks.iter().map(|mark: &Mark| mark.meaning).collect();
    meanings.sort_unstable();
    meanings.dedup();
    let word = |out: &mut String, x: &mut f64, word: &str| {
        text(out, *x + 20.0, y, 25.0, QUIET, "start", 0.0, word);
        *x += 20.0 + word.chars().count() as f64 * 25.0 * CHARACTER + 36.0;
    };
    for meaning in meanings {
        shape(out, meaning, x, y - 9.0, 11.0);
        word(out, &mut x, meaning.word());
    }
    for (has, colour, name) in [(&picture.activity.lines, BAR, "log lines"), (&picture.activity.errors, RED, "errors")] {
        if has.iter().any(|count| *count > 0) {
            let _ = write!(out, r#"<rect x="{:.1}" y="{:.1}" width="14" height="17" fill="{colour}"/>"#, x - 7.0, y - 15.0);
            word(out, &mut x, name);
        }
    }
    let date: civil::Date = jiff::tz::TimeZone::UTC.to_datetime(picture.from).date();
    text(out, RIGHT, y, 25.0, QUIET, "end", 0.0, &date.strftime("%-d %b %Y").to_string());
}

#[expect(clippy::too_many_arguments, reason = "the attributes of one element")]
fn text(out: &mut String, x: f64, y: f64, size: f64, colour: &str, anchor: &str, weight: f64, words: &str) {
    // The typeface has one weight; a stroke makes it heavier.
    let stroke = if weight > 0.0 { format!(r#" stroke="{colour}" stroke-width="{weight}""#) } else { String::new() };
    let _ = write!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" fill="{colour}"{stroke} text-anchor="{anchor}">{}</text>"#,
        escaped(words)
    );
}

/// For XML: its own signs as entities, and no character that it does not allow.
fn escaped(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '→' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
