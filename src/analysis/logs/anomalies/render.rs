//! The report of a log as text for a terminal.

use std::fmt::{self, Display};

use super::{Anomaly, Report};
use crate::analysis::logs::extract::one_line;

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = &self.summary;
        let span = match (summary.from, summary.until) {
            (Some(from), Some(until)) => format!(", {from} to {until}"),
            _ => String::new(),
        };
        let (errors, warnings) = (summary.errors, summary.warnings);
        writeln!(f, "{} records, {} templates, {errors} errors, {warnings} warnings{span}", summary.records, self.templates)?;
        if let Some((from, seconds)) = summary.silence {
            writeln!(f, "silent for {} from {from}", duration(seconds))?;
        }
        if summary.full {
            writeln!(f, "more different lines than are kept apart: the later ones share one template")?;
        }
        if self.anomalies.is_empty() {
            writeln!(f, "nothing conspicuous")?;
        }
        for (rank, anomaly) in (1..).zip(&self.anomalies) {
            one(f, rank, anomaly)?;
        }
        if self.frequent.len() > 1 {
            writeln!(f, "\nmost frequent:")?;
            for (count, template) in &self.frequent {
                writeln!(f, "  {count:>9}×  {}", one_line(template, 200))?;
            }
        }
        Ok(())
    }
}

fn one(f: &mut fmt::Formatter<'_>, rank: usize, anomaly: &Anomaly) -> fmt::Result {
    let when = match (anomaly.first, anomaly.last) {
        (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
        (Some(first), _) => format!(", {first}"),
        _ => String::new(),
    };
    writeln!(f, "\n{rank:2}. {} · {}× · line {}{when}", anomaly.marks.join(", "), anomaly.count, anomaly.line)?;
    if !anomaly.meaning.is_empty() {
        writeln!(f, "    {}", anomaly.meaning)?;
    }
    writeln!(f, "    {}", anomaly.excerpt)?;
    if anomaly.count > 1 {
        writeln!(f, "    template: {}", one_line(&anomaly.template, 200))?;
    }
    Ok(())
}

/// Whole seconds, minutes, hours or days, two of the largest at least.
fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
