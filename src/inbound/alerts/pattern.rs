//! Constant regular expressions, compiled on first use.

use std::sync::LazyLock;

use regex::Regex;

pub(super) type Pattern = LazyLock<Regex>;

/// Compiles a pattern that is written in this program; every one of them is used by a test.
#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
pub(super) fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// The first group of the first match.
pub(super) fn capture<'t>(pattern: &Regex, text: &'t str) -> Option<&'t str> {
    pattern.captures(text).and_then(|found| found.get(1)).map(|group| group.as_str())
}
