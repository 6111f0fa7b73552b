//! The report for a terminal and as Markdown.

use crate::model::{Evidence, Hypothesis, Investigation, Report};

use super::words::{count, duration, object};

/// How a report is laid out where there are no blocks.
struct Style {
    title: fn(&str) -> String,
    bullet: &'static str,
}

/// Text for a terminal.
pub fn text(report: &Report) -> String {
    lay_out(report, &Style { title: |title| format!("\n{}\n", title.to_uppercase()), bullet: "  " }).replace('`', "")
}

/// Markdown for a ticket or a wiki.
pub fn markdown(report: &Report) -> String {
    lay_out(report, &Style { title: |title| format!("\n## {title}\n\n"), bullet: "- " })
}

fn lay_out(report: &Report, style: &Style) -> String {
    let mut out = format!("{}\n", report.headline);
    if let Some(first) = report.hypotheses.first() {
        out.push_str(&(style.title)("Root cause"));
        out.push_str(&cause(first));
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        out.push_str(&(style.title)(title));
        for line in lines {
            out.push_str(&format!("{}{}\n", style.bullet, line.replace('\n', "\n    ")));
        }
    };
    section(
        "Evidence",
        report
            .evidence
            .iter()
            .map(|seen| {
                let at = seen.time.map_or(String::new(), |time| format!("  [{}]", time.strftime("%Y-%m-%d %H:%M:%S UTC")));
                let excerpt = if seen.excerpt.trim().is_empty() {
                    String::new()
                } else {
                    format!("\n> {}", seen.excerpt.trim().lines().take(3).collect::<Vec<_>>().join("\n> "))
                };
                format!("{} {}  {}{at}  ({}){excerpt}", seen.id, seen.kind.as_str(), seen.summary, seen.source)
            })
            .collect(),
    );
    section(
        "Timeline",
        report
            .timeline
            .iter()
            .map(|item| {
                let id = item.evidence.map_or(String::new(), |id| format!("  {id}"));
                format!("{}  {}{id}", item.time.strftime("%H:%M:%S"), item.text)
            })
            .collect(),
    );
    section("Impact", if report.impact.is_empty() { Vec::new() } else { vec![report.impact.clone()] });
    section("Do now", report.immediate_actions.clone());
    section("Prevent", report.prevention.clone());
    section("Other causes", report.hypotheses.iter().skip(1).map(|other| cause(other).trim_end().to_owned()).collect());
    section("Ruled out", report.ruled_out.clone());
    section("Could not check", report.gaps.clone());
    section("Similar", report.similar.clone());
    section("Asked", report.routing.reasons.clone());
    let burden = match report.backend_calls {
        0 => String::new(),
        calls => format!(" ({} of live systems, {} KiB)", count(calls, "call"), report.backend_bytes.div_ceil(1024)),
    };
    out.push_str(&format!("\n{} queries in {}{burden}\n", report.tool_calls, duration(report.duration_ms as f64 / 1000.0)));
    out
}

/// Everything that an investigation saw and did, as a text to keep: no limit but the evidence's own.
pub fn evidence(investigation: &Investigation) -> String {
    let mut out = String::new();
    for found in &investigation.hypotheses {
        out.push_str(&format!("CAUSE {}  {}\n", found.rank, cause(found)));
    }
    for seen in &investigation.evidence {
        out.push_str(&piece(seen));
    }
    out.push_str("\nASKED\n");
    for call in &investigation.tool_calls {
        let outcome = call.error.as_deref().unwrap_or(&call.digest);
        let burden = if call.calls == 0 { String::new() } else { format!(", {} calls, {} KiB", call.calls, call.bytes.div_ceil(1024)) };
        out.push_str(&format!("{} asked {} with {}: {outcome} ({} ms{burden})\n", call.agent, call.tool, call.arguments, call.duration_ms));
    }
    for gap in &investigation.gaps {
        out.push_str(&format!("could not check: {gap}\n"));
    }
    for healthy in &investigation.ruled_out {
        out.push_str(&format!("ruled out: {healthy}\n"));
    }
    out
}

fn piece(seen: &Evidence) -> String {
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut out = format!("\n{} {}  {}\n", seen.id, seen.kind.as_str(), seen.summary);
    match (seen.time, seen.until) {
        (Some(from), Some(until)) => out.push_str(&format!("time: {} to {}\n", time(from), time(until))),
        (Some(at), None) => out.push_str(&format!("time: {}\n", time(at))),
        (None, _) => {}
    }
    let place = object(&seen.entity);
    for (name, value) in [("object", &place), ("source", &seen.source), ("asked", &seen.query)] {
        if !value.is_empty() {
            out.push_str(&format!("{name}: {value}\n"));
        }
    }
    for line in seen.excerpt.lines() {
        out.push_str(&format!("> {line}\n"));
    }
    out
}

fn cause(cause: &Hypothesis) -> String {
    let ids: Vec<String> = cause.supporting.iter().map(ToString::to_string).collect();
    let place = object(&cause.entity);
    let place = if place.is_empty() { String::new() } else { format!(" on {place}") };
    format!(
        "{}\n{}{place}, confidence {} ({:.2}), from {}\n",
        cause.statement,
        cause.category,
        cause.confidence_word(),
        cause.confidence,
        ids.join(" ")
    )
}
