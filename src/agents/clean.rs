//! The last step of every investigation: no secret leaves it, in whatever field it stands.

use crate::{
    model::{Evidence, Hypothesis, Investigation},
    redact,
};

/// The longest evidence summary, in characters.
const SUMMARY_MAX: usize = 300;
/// The longest excerpt, in characters.
const EXCERPT_MAX: usize = 1000;

/// The investigation without secrets and within the bounds that its fields promise.
pub fn clean(mut investigation: Investigation) -> Investigation {
    investigation.evidence.iter_mut().for_each(evidence);
    investigation.hypotheses.iter_mut().for_each(hypothesis);
    text(&mut investigation.impact);
    text(&mut investigation.narrowed);
    texts(&mut investigation.gaps);
    texts(&mut investigation.ruled_out);
    for call in &mut investigation.tool_calls {
        text(&mut call.digest);
        call.error.iter_mut().for_each(text);
    }
    investigation
}

fn evidence(evidence: &mut Evidence) {
    for field in [&mut evidence.summary, &mut evidence.excerpt, &mut evidence.query] {
        text(field);
    }
    cut(&mut evidence.summary, SUMMARY_MAX);
    cut(&mut evidence.excerpt, EXCERPT_MAX);
}

fn hypothesis(hypothesis: &mut Hypothesis) {
    text(&mut hypothesis.statement);
    text(&mut hypothesis.falsifier);
    texts(&mut hypothesis.remediation);
    texts(&mut hypothesis.prevention);
}

fn texts(lines: &mut [String]) {
    lines.iter_mut().for_each(text);
}

fn text(line: &mut String) {
    if let std::borrow::Cow::Owned(clean) = redact::text(line) {
        *line = clean;
    }
}

fn cut(line: &mut String, most: usize) {
    if let Some((at, _)) = line.char_indices().nth(most) {
        line.truncate(at);
    }
}
