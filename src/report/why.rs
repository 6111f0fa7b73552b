//! Why the first cause is thought to be the cause: its evidence in the order of time, what would refute it, and the runners-up.

use crate::model::{Evidence, EvidenceId, Hypothesis, Incident, Message, Part, Report, Text};

use super::words::{object, prose, short};

const EVIDENCE_MAX: usize = 8;
const OTHERS_MAX: usize = 4;
const LINE_MAX: usize = 220;

/// The chain of evidence.
pub fn why(incident: &Incident) -> Message {
    let Some(report) = &incident.report else {
        return super::help::sentence(&format!("{} has no report yet: the investigation is not over.", incident.id));
    };
    let Some(first) = report.hypotheses.first() else { return without_cause(incident, report) };
    let mut head = Text::new().bold(format!("Why {}", incident.id)).plain("  ");
    head.0.extend(prose(&first.statement).0);
    let mut parts = vec![Part::Section(head), Part::Context(Text::new().plain(rests_on(first, report)))];
    parts.push(Part::Section(chain("Because", cited(report, &first.supporting))));
    let against = cited(report, &first.contradicting);
    if !against.is_empty() {
        parts.push(Part::Section(chain("Against it", against)));
    }
    let falsifier = if first.falsifier.is_empty() { "no single observation is known that would refute it" } else { &first.falsifier };
    let mut refuted = Text::new().bold("Would be refuted if").plain("  ");
    refuted.0.extend(prose(falsifier).0);
    parts.push(Part::Section(refuted));
    parts.extend(others(report));
    parts.extend(ruled_out(report));
    Message { text: format!("Why {}: {}", incident.id, report.headline), parts }
}

fn without_cause(incident: &Incident, report: &Report) -> Message {
    let mut parts = vec![Part::Section(Text::new().bold(format!("{} has no cause.", incident.id)).plain(format!("  {}", report.headline)))];
    parts.extend(ruled_out(report));
    if !report.gaps.is_empty() {
        parts.push(Part::Section(bullets("Could not be checked", &report.gaps)));
    }
    Message { text: format!("{}: {}", incident.id, report.headline), parts }
}

fn rests_on(first: &Hypothesis, report: &Report) -> String {
    let decisive = cited(report, &first.supporting).iter().filter(|seen| seen.decisive).count();
    let basis = match decisive {
        0 => "nothing in it settles the point by itself".to_owned(),
        1 => "one piece of it settles the point by itself".to_owned(),
        more => format!("{more} pieces of it settle the point by themselves"),
    };
    format!("confidence {} ({:.2}): {basis}", first.confidence_word(), first.confidence)
}

fn cited<'a>(report: &'a Report, ids: &[EvidenceId]) -> Vec<&'a Evidence> {
    let mut found: Vec<&Evidence> = report.evidence.iter().filter(|seen| ids.contains(&seen.id)).collect();
    found.sort_by_key(|seen| (seen.time.is_none(), seen.time, seen.id));
    found
}

/// The evidence in the order of time.
fn chain(title: &str, evidence: Vec<&Evidence>) -> Text {
    let mut text = Text::new().bold(title);
    for seen in evidence.into_iter().take(EVIDENCE_MAX) {
        text = text.plain("\n").evidence(&[seen.id]).plain("  ");
        if let Some(at) = seen.time {
            text = text.time(at).plain("  ");
        }
        text = text.plain(short(&seen.summary.replace('`', ""), LINE_MAX));
        let place = object(&seen.entity);
        if !place.is_empty() && !seen.summary.contains(&seen.entity.name) {
            text = text.plain("  ").code(short(&place, 80));
        }
    }
    text
}

fn others(report: &Report) -> Option<Part> {
    let mut text = Text::new().bold("Also considered");
    let mut any = false;
    for other in report.hypotheses.iter().skip(1).take(OTHERS_MAX) {
        any = true;
        text = text.plain(format!("\n{}. ({:.2}) {}", other.rank, other.confidence, short(&other.statement.replace('`', ""), LINE_MAX)));
        text = text.evidence(&other.supporting);
    }
    any.then_some(Part::Section(text))
}

fn ruled_out(report: &Report) -> Option<Part> {
    (!report.ruled_out.is_empty()).then(|| Part::Section(bullets("Ruled out", &report.ruled_out)))
}

/// A title and a few lines below it.
pub(super) fn bullets(title: &str, lines: &[String]) -> Text {
    let mut text = Text::new().bold(title);
    for line in lines.iter().take(EVIDENCE_MAX) {
        text = text.plain("\n• ");
        text.0.extend(prose(&short(line, LINE_MAX)).0);
    }
    if let Some(more) = lines.len().checked_sub(EVIDENCE_MAX).filter(|more| *more > 0) {
        text = text.plain(format!("\nand {more} more"));
    }
    text
}
