//! The scores as a table for a terminal.

use std::fmt::{self, Display, Write};

use super::score::{Scores, Tally};

impl Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18} {:>4} {:>10} {:>10} {:>9} {:>10} {:>10} {:>8}",
            "set", "n", "top1", "top3", "wrong", "abstained", "median ms", "max ms"
        )?;
        for (name, tally) in &self.sets {
            row(f, name, tally)?;
        }
        row(f, "total", &self.total)?;
        write!(f, "\nconfidence of the first cause, and how many of them are right:")?;
        for range in &self.calibration {
            write!(f, "  {:.2}: {}/{}", range.confidence, range.right, range.n)?;
        }
        writeln!(f)?;
        let failures: Vec<_> = self.scenarios.iter().filter(|score| !score.top1).collect();
        if failures.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nnot at rank 1:")?;
        for score in failures {
            let mut said = String::new();
            if score.statement.is_empty() {
                said.push_str("nothing asserted");
            } else {
                write!(said, "{:.2} {}", score.confidence, score.statement)?;
            }
            writeln!(f, "  {}{} [{}]\n      {said}", score.id, if score.top3 { " (in the first three)" } else { "" }, score.status)?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    let percent = |count: usize| (count * 100).checked_div(tally.n).unwrap_or(0);
    writeln!(
        f,
        "{name:<18} {:>4} {:>4} {:>3} % {:>4} {:>3} % {:>9} {:>10} {:>10} {:>8}",
        tally.n,
        tally.top1,
        percent(tally.top1),
        tally.top3,
        percent(tally.top3),
        tally.asserted_wrong,
        tally.abstained,
        tally.median_ms,
        tally.max_ms
    )
}
