//! The timeline of an incident as a picture: what changed, when it began, what was logged, when it was over.
//!
//! Drawn to be read as a thumbnail on a phone at night: few words, big marks, one shape and one colour for each meaning
//! (the colours of Okabe and Ito, which colour-blind people tell apart), on a ground of its own for light and dark themes.

mod draw;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use resvg::{tiny_skia, usvg};

use crate::model::{Activity, EvidenceKind, Incident, Investigation};

use super::words::{duration, seconds_between, short};

pub const WIDTH: u32 = 1200;
pub const HEIGHT: u32 = 420;

/// Pixels for each unit of the drawing: sharp on a desktop, and below 80 kB.
const PIXELS: f32 = 0.9;
/// Fewer dated marks than this are no timeline.
const MARKS_MIN: usize = 2;
/// More marks than this do not fit beside each other with their words.
const MARKS_MAX: usize = 5;
/// A shorter span is one moment.
const SPAN_MIN_SECONDS: f64 = 5.0;
/// The alert, or the end, is drawn where it falls when that makes the picture at most this many times wider; otherwise the
/// marks that tell the story would fall onto each other.
const STRETCH_MAX: f64 = 4.0;
const LABEL_MAX: usize = 25;
const TITLE_MAX: usize = 56;

/// What a mark means; each has a shape and a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    Change,
    Onset,
    Seen,
    Alert,
    Over,
}

impl Meaning {
    /// The word in the legend.
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Onset => "onset",
            Self::Seen => "seen",
            Self::Alert => "alert",
            Self::Over => "resolved",
        }
    }
}

/// One instant of the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub at: Timestamp,
    pub meaning: Meaning,
    pub label: String,
}

/// A timeline, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What people read above it.
    pub title: String,
    /// The same as the picture, in sentences.
    pub alt: String,
    marks: Vec<Mark>,
    activity: Activity,
    headline: String,
    from: Timestamp,
    to: Timestamp,
}

/// The investigation's timeline, where there is something to see: two dated things or more, not all in one moment.
pub fn timeline_picture(incident: &Incident, investigation: &Investigation) -> Option<Picture> {
    let mut marks = seen(investigation);
    let (first, last) = (marks.first()?.at, marks.last()?.at);
    if marks.len() < MARKS_MIN || seconds_between(first, last) < SPAN_MIN_SECONDS {
        return None;
    }
    let (mut from, mut to) = (first, last);
    let most = seconds_between(from, to) * STRETCH_MAX;
    let alerted = incident.alert.starts_at.unwrap_or(incident.opened_at);
    let around = [(alerted, Meaning::Alert, short(&incident.alert.name, LABEL_MAX))]
        .into_iter()
        .chain(incident.resolved_at.map(|at| (at, Meaning::Over, "resolved".to_owned())));
    for (at, meaning, label) in around {
        if seconds_between(from.min(at), to.max(at)) <= most {
            (from, to) = (from.min(at), to.max(at));
            marks.push(Mark { at, meaning, label });
        }
    }
    marks.sort_by_key(|mark| (mark.at, mark.meaning));
    let headline = match investigation.hypotheses.first() {
        Some(cause) => short(&cause.statement.replace('`', ""), TITLE_MAX),
        None => "No cause found".to_owned(),
    };
    let title = format!("{} timeline, {} UTC", incident.id, from.strftime("%Y-%m-%d"));
    let alt = alt(incident, &headline, &marks, &investigation.activity);
    Some(Picture { title, alt, marks, activity: investigation.activity.clone(), headline, from, to })
}

/// The dated evidence that tells the story: what the first cause cites, then the decisive, then the rest; in order of time.
fn seen(investigation: &Investigation) -> Vec<Mark> {
    let cited: &[_] = investigation.hypotheses.first().map_or(&[], |cause| &cause.supporting);
    let mut dated: Vec<_> = investigation.evidence.iter().filter_map(|seen| Some((seen.time?, seen))).collect();
    dated.sort_by_key(|(at, seen)| (!cited.contains(&seen.id), !seen.decisive, *at, seen.id));
    // Two things of one moment that say the same are one mark.
    let mut kept: Vec<(Timestamp, &crate::model::Evidence)> = Vec::new();
    for (at, seen) in dated {
        if !kept.iter().any(|(when, known)| *when == at && known.kind == seen.kind) {
            kept.push((at, seen));
        }
    }
    kept.truncate(MARKS_MAX);
    let onset = kept.iter().filter(|(_, seen)| cited.contains(&seen.id) && seen.kind != EvidenceKind::Change).map(|(at, _)| *at).min();
    let mut marks: Vec<Mark> = kept
        .into_iter()
        .map(|(at, seen)| {
            let meaning = match seen.kind {
                EvidenceKind::Change => Meaning::Change,
                _ if Some(at) == onset => Meaning::Onset,
                _ => Meaning::Seen,
            };
            // The onset is what the cause is called; everything else speaks for itself.
            let label = match (meaning, investigation.hypotheses.first()) {
                (Meaning::Onset, Some(cause)) => named(cause.category),
                _ => seen.summary.replace('`', ""),
            };
            Mark { at, meaning, label: short(&label, LABEL_MAX) }
        })
        .collect();
    marks.sort_by_key(|mark| (mark.at, mark.meaning));
    marks
}

/// A category as people write it: `OOM killed`, `DNS failure`.
fn named(category: crate::model::Category) -> String {
    let words = category.as_str().split('_').map(|word| match word {
        "oom" | "dns" | "tls" | "cpu" => word.to_uppercase(),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn alt(incident: &Incident, headline: &str, marks: &[Mark], activity: &Activity) -> String {
    let told: Vec<String> =
        marks.iter().map(|mark| format!("{} {}: {}", mark.at.strftime("%H:%M:%S"), mark.meaning.word(), mark.label)).collect();
    let mut out = format!("Timeline of {} in UTC. {headline}. {}.", incident.id, told.join("; "));
    if let (Some(from), Some((at, most))) =
        (activity.from, activity.errors.iter().enumerate().max_by_key(|(at, count)| (**count, usize::MAX - at)))
        && *most > 0
    {
        let step = i64::try_from(activity.step_ms).unwrap_or_default();
        let when = Timestamp::from_millisecond(from.as_millisecond() + step * at as i64).unwrap_or(from);
        let step = duration(activity.step_ms as f64 / 1000.0);
        out.push_str(&format!(" Most errors in the logs: {most} within {step} at {}.", when.strftime("%H:%M:%S")));
    }
    out
}

/// One typeface, read once; nothing of the machine's own is used, so that the same timeline is the same bytes everywhere.
static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    Arc::new(fonts)
});

impl Picture {
    /// The drawing as SVG.
    pub fn svg(&self) -> String {
        draw::svg(self)
    }

    /// The drawing as PNG.
    ///
    /// # Errors
    /// Says what the renderer did not take.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        let options = usvg::Options { fontdb: Arc::clone(&FONTS), font_family: "Ubuntu".to_owned(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&self.svg(), &options).map_err(|error| error.to_string())?;
        let size = |length: u32| (length as f32 * PIXELS) as u32;
        let mut pixels = tiny_skia::Pixmap::new(size(WIDTH), size(HEIGHT)).ok_or("the picture has no size")?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(PIXELS, PIXELS), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| error.to_string())
    }
}
