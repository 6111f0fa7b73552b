//! What `doctor` found, for a terminal and for Slack.

use crate::model::{Finding, Message, Part, Standing, Text};

/// How many findings that are fine are named in Slack: what is wrong comes first and is always there.
const FINE_MAX: usize = 30;

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
    out.push_str(&format!("\n{}\n", sum(findings)));
    out
}

/// The same as an answer in Slack: what is wrong with its advice, then what is fine in one line.
pub fn doctor(findings: &[Finding]) -> Message {
    let wrong = findings.iter().filter(|finding| finding.standing != Standing::Fine).map(|finding| {
        let mark = if finding.standing == Standing::Broken { "x" } else { "warning" };
        Part::Section(
            Text::new().emoji(mark).plain(" ").bold(finding.what.clone()).plain(format!("  {}\n{}", finding.said, finding.advice)),
        )
    });
    let mut parts = vec![Part::Section(Text::new().bold(sum(findings)))];
    parts.extend(wrong);
    let fine: Vec<&str> =
        findings.iter().filter(|finding| finding.standing == Standing::Fine).map(|finding| finding.what.as_str()).take(FINE_MAX).collect();
    if !fine.is_empty() {
        parts.push(Part::Context(Text::new().emoji("white_check_mark").plain(format!(" {}", fine.join(", ")))));
    }
    Message { text: sum(findings), parts }
}

fn sum(findings: &[Finding]) -> String {
    let count = |standing| findings.iter().filter(|finding| finding.standing == standing).count();
    match (count(Standing::Broken), count(Standing::Lacking)) {
        (0, 0) => "Everything works.".to_owned(),
        (0, lacking) => format!("It works; {lacking} of {} could be better.", findings.len()),
        (broken, _) => format!("It does not work: {broken} of {} must be mended first.", findings.len()),
    }
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
