//! Does a confidence mean what it says? Of the causes told with about 0.8, about four of five should be right.

use serde::Serialize;

use super::score::ScenarioScore;

/// Where one range of confidences ends and the next begins: the words low, medium and high, and what counts as asserted.
const EDGES: [f64; 6] = [0.0, 0.5, 0.6, 0.7, 0.8, 1.0];

/// All rank-1 causes whose confidence lies in one range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Range {
    pub from: f64,
    pub to: f64,
    pub n: usize,
    pub right: usize,
    /// The mean of their confidences.
    pub confidence: f64,
}

/// The ranges that have at least one cause.
pub fn calibration(scores: &[ScenarioScore]) -> Vec<Range> {
    let edges = EDGES.iter().zip(EDGES.iter().skip(1));
    edges
        .filter_map(|(from, to)| {
            let last = *to >= 1.0;
            let inside = |score: &&ScenarioScore| !score.abstained && score.confidence >= *from && (score.confidence < *to || last);
            let within: Vec<&ScenarioScore> = scores.iter().filter(inside).collect();
            #[expect(clippy::cast_precision_loss, reason = "counts of scenarios")]
            let count = within.len() as f64;
            (!within.is_empty()).then(|| Range {
                from: *from,
                to: *to,
                n: within.len(),
                right: within.iter().filter(|score| score.top1).count(),
                confidence: within.iter().map(|score| score.confidence).sum::<f64>() / count,
            })
        })
        .collect()
}
