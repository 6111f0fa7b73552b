//! What `doctor` found, for a terminal.

use crate::model::{Finding, Standing};

/// A line for each finding, its advice below it, and the sum at the end.
pub fn doctor_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for Finding { what, standing, said, advice } in findings {
        let word = match standing {
            Standing::Fine => "ok     ",
            Standing::Lacking => "lacking",
            Standing::Broken => "BROKEN ",
        };
        out.push_str(format!("{word}  {what:width$}  {said}").trim_end());
        out.push('\n');
        if !advice.is_empty() {
            out.push_str(&format!("         → {advice}\n"));
        }
    }
    let count = |standing| findings.iter().filter(|finding| finding.standing == standing).count();
    out.push_str(&match (count(Standing::Broken), count(Standing::Lacking)) {
        (0, 0) => "\nEverything works.\n".to_owned(),
        (0, lacking) => format!("\nIt works; {lacking} of {} could be better.\n", findings.len()),
        (broken, _) => format!("\nIt does not work: {broken} of {} must be mended first.\n", findings.len()),
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_has_its_advice_and_the_end_says_how_it_is() {
        let mut findings = vec![
            Finding::fine("store", "takes writes"),
            Finding::lacking("link previews", "without links:read: links show no preview.", "Add it."),
        ];
        insta::assert_snapshot!(doctor_text(&findings), @r"
        ok       store          takes writes
        lacking  link previews  without links:read: links show no preview.
                 → Add it.

        It works; 1 of 2 could be better.
        ");
        findings.push(Finding::broken("bot token", "", "Make one."));
        assert!(
            doctor_text(&findings)
                .ends_with("BROKEN   bot token\n         → Make one.\n\nIt does not work: 1 of 3 must be mended first.\n")
        );
        assert!(doctor_text(&findings[..1]).ends_with("Everything works.\n"));
    }
}
