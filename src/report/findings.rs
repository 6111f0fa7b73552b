//! The report in the thread: the cause first, then the proof, what to do, and what is not known. One screen on a phone.

use crate::model::{Action, Evidence, Hypothesis, IncidentId, InvestigationStatus, Message, Part, Report, Text, TimelineItem};

use super::words::{count, duration, object, prose, remedy, short};

/// Rows of the evidence table; the rest is behind "All evidence".
const ROWS_MAX: usize = 5;
const ROW_TEXT_MAX: usize = 170;
const TIMELINE_MAX: usize = 4;
const TIMELINE_TEXT_MAX: usize = 90;
const EXCERPT_MAX: usize = 280;
const EXCERPT_LINES: usize = 4;
const SMALL_PRINT_MAX: usize = 4;
const SMALL_PRINT_TEXT_MAX: usize = 160;

/// The report's message; its buttons name the incident.
pub fn findings(incident: IncidentId, report: &Report) -> Message {
    let mut parts = vec![Part::Section(cause(report))];
    let rows: Vec<&Evidence> = cited_first(report).into_iter().take(ROWS_MAX).collect();
    if !rows.is_empty() {
        parts.push(table(&rows));
    }
    parts.extend(excerpt(report).map(Part::Excerpt));
    parts.push(Part::Section(what_it_means(report)));
    parts.push(Part::Section(timeline(report, &rows)));
    parts.push(Part::Context(other_causes(report)));
    parts.push(Part::Actions(actions(incident, report)));
    parts.push(Part::Context(small_print(report)));
    parts.retain(|part| !matches!(part, Part::Section(text) | Part::Context(text) if text.is_empty()));
    Message { text: lock_screen(incident, report), parts }
}

fn lock_screen(incident: IncidentId, report: &Report) -> String {
    match report.hypotheses.first() {
        Some(first) => format!("{incident} root cause: {} (confidence {})", report.headline, first.confidence_word()),
        None => format!("{incident}: {}", report.headline),
    }
}

fn cause(report: &Report) -> Text {
    let Some(first) = report.hypotheses.first() else {
        let title = if report.status == InvestigationStatus::NoProblemFound { "No problem found" } else { "No cause found" };
        let looked = format!("\nLooked at {} with {}.", count(report.tool_calls as u64, "source"), join(&report.routing.agents));
        return Text::new().bold(title).plain(if report.tool_calls == 0 { String::new() } else { looked });
    };
    let mut text = Text::new()
        .bold("Root cause")
        .plain(format!("  ·  confidence {} ({:.2})  ·  ", first.confidence_word(), first.confidence))
        .code(first.category.as_str())
        .plain("\n");
    text.0.extend(prose(&first.statement).0);
    let place = object(&first.entity);
    if !place.is_empty() && !first.statement.contains(&first.entity.name) {
        text = text.plain("  (").code(place).plain(")");
    }
    text.plain(" ").evidence(&first.supporting)
}

/// The evidence that the first cause cites, then the rest, each once.
fn cited_first(report: &Report) -> Vec<&Evidence> {
    let cited: &[_] = report.hypotheses.first().map_or(&[], |first| &first.supporting);
    let (mut first, rest): (Vec<&Evidence>, Vec<&Evidence>) = report.evidence.iter().partition(|seen| cited.contains(&seen.id));
    first.sort_by_key(|seen| cited.iter().position(|id| *id == seen.id));
    first.extend(rest.into_iter().filter(|seen| report.hypotheses.iter().take(3).any(|cause| cause.supporting.contains(&seen.id))));
    first
}

fn table(rows: &[&Evidence]) -> Part {
    let header = ["Evidence", "What was seen", "When (UTC)"].map(str::to_owned).to_vec();
    let rows = rows
        .iter()
        .map(|seen| {
            let kind = seen.kind.as_str().split('_').next().unwrap_or_default();
            vec![format!("{} {kind}", seen.id), short(&seen.summary.replace('`', ""), ROW_TEXT_MAX), when(seen)]
        })
        .collect();
    Part::Table { header, rows }
}

fn when(seen: &Evidence) -> String {
    match (seen.time, seen.until) {
        (Some(from), Some(until)) if until > from => format!("{} – {}", from.strftime("%H:%M"), until.strftime("%H:%M")),
        (Some(at), _) => at.strftime("%H:%M:%S").to_string(),
        // Its source carries no time: it was so when it was looked at, and nobody knows since when.
        _ => "–".to_owned(),
    }
}

/// The source's own words for the first cause: a log line says more than a state. Words that the table has already are not said twice.
fn excerpt(report: &Report) -> Option<String> {
    let first = report.hypotheses.first()?;
    let mut cited: Vec<&Evidence> = report.evidence.iter().filter(|seen| first.supporting.contains(&seen.id) && says_more(seen)).collect();
    cited.sort_by_key(|seen| (seen.kind != crate::model::EvidenceKind::LogPattern, !seen.decisive));
    let lines: Vec<&str> = cited.first()?.excerpt.lines().filter(|line| !line.trim().is_empty()).take(EXCERPT_LINES).collect();
    let text: String = lines.join("\n").chars().take(EXCERPT_MAX).collect();
    Some(text)
}

fn says_more(seen: &Evidence) -> bool {
    let first = seen.excerpt.lines().map(str::trim).find(|line| !line.is_empty());
    first.is_some_and(|line| !short(&seen.summary, ROW_TEXT_MAX).contains(line))
}

fn what_it_means(report: &Report) -> Text {
    let mut text = Text::new();
    let mut paragraph = |title: &str, lines: &[String]| {
        for (at, line) in lines.iter().enumerate() {
            if !text.is_empty() {
                text = std::mem::take(&mut text).plain("\n");
            }
            if at == 0 {
                text = std::mem::take(&mut text).bold(title).plain(if lines.len() == 1 { "  " } else { "\n" });
            }
            if lines.len() > 1 {
                text = std::mem::take(&mut text).plain("• ");
            }
            text.0.extend(remedy(line).0);
        }
    };
    if !report.impact.is_empty() {
        paragraph("Impact", std::slice::from_ref(&report.impact));
    }
    paragraph("Do now", &report.immediate_actions);
    paragraph("Prevent", &report.prevention);
    text
}

/// What happened in which order, where the table does not show it already.
fn timeline(report: &Report, rows: &[&Evidence]) -> Text {
    let told = |item: &TimelineItem| rows.iter().any(|row| Some(row.id) == item.evidence);
    if report.timeline.len() < 2 || report.timeline.iter().all(told) {
        return Text::new();
    }
    // What the first cause cites tells its story; the rest is in the details.
    let cited: &[_] = report.hypotheses.first().map_or(&[], |first| &first.supporting);
    let place = |item: &&TimelineItem| item.evidence.and_then(|id| cited.iter().position(|known| *known == id)).unwrap_or(usize::MAX);
    let mut items: Vec<&TimelineItem> = report.timeline.iter().collect();
    items.sort_by_key(place);
    items.truncate(TIMELINE_MAX);
    items.sort_by_key(|item| (item.time, item.evidence));
    let mut text = Text::new().bold("Timeline");
    for item in items {
        text = text.plain("\n").time(item.time).plain(format!("  {}", short(&item.text.replace('`', ""), TIMELINE_TEXT_MAX)));
        if let Some(id) = item.evidence {
            text = text.evidence(&[id]);
        }
    }
    text
}

fn other_causes(report: &Report) -> Text {
    let line = |cause: &Hypothesis| {
        format!("{}. {} ({:.2})", cause.rank, short(&cause.statement.replace('`', ""), SMALL_PRINT_TEXT_MAX), cause.confidence)
    };
    let others: Vec<String> = report.hypotheses.iter().skip(1).take(2).map(line).collect();
    if others.is_empty() { Text::new() } else { Text::new().bold("Other causes").plain(format!("  {}", others.join("   "))) }
}

fn actions(incident: IncidentId, report: &Report) -> Vec<Action> {
    let action = |id: &str, label: String| Action::button(id, label, incident.to_string());
    let mut out = Vec::new();
    if !report.evidence.is_empty() {
        out.push(action("details", format!("All evidence ({})", report.evidence.len())));
    }
    out.push(action("rerun", "Run again".to_owned()));
    out
}

fn small_print(report: &Report) -> Text {
    let mut lines = Vec::new();
    let list = |title: &str, items: &[String]| {
        let shown: Vec<String> =
            items.iter().take(SMALL_PRINT_MAX).map(|item| short(&item.replace('`', ""), SMALL_PRINT_TEXT_MAX)).collect();
        let more = items.len().saturating_sub(SMALL_PRINT_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{title}: {}{more}.", shown.join("; "))
    };
    if !report.ruled_out.is_empty() {
        lines.push(list("Ruled out", &report.ruled_out));
    }
    if !report.gaps.is_empty() {
        lines.push(list("Could not check", &report.gaps));
    }
    let mut last = format!(
        "Rules only, {} in {}",
        count(report.tool_calls as u64, "query").replace("querys", "queries"),
        duration(report.duration_ms as f64 / 1000.0)
    );
    if let Some(similar) = report.similar.first() {
        last.push_str(&format!("  ·  like {}", short(similar, SMALL_PRINT_TEXT_MAX)));
    }
    lines.push(last);
    if let Some(reason) = report.routing.reasons.first() {
        lines.push(short(&format!("Asked {}: {reason}", join(&report.routing.agents)), SMALL_PRINT_TEXT_MAX));
    }
    Text::new().plain(lines.join("\n"))
}

fn join(agents: &[String]) -> String {
    if agents.is_empty() { "no agent".to_owned() } else { agents.join(", ") }
}
