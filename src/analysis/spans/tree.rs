//! Spans as trees, and what can be computed of one of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::observation::TraceSpan;

/// How deep a trace is followed; deeper ones are loops of damaged data.
const DEEP: usize = 200;

/// All traces.
pub struct Forest<'a> {
    spans: &'a [TraceSpan],
    children: Vec<Vec<usize>>,
    /// The spans of each trace that have no parent in the evidence, the longest first; in the order of the traces' ids.
    pub traces: Vec<Vec<usize>>,
}

impl<'a> Forest<'a> {
    pub fn of(spans: &'a [TraceSpan]) -> Self {
        let ids: BTreeMap<(&str, &str), usize> =
            spans.iter().enumerate().map(|(at, span)| ((span.trace_id.as_str(), span.span_id.as_str()), at)).collect();
        let mut children = vec![Vec::new(); spans.len()];
        let mut roots: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, span) in spans.iter().enumerate() {
            let parent = ids.get(&(span.trace_id.as_str(), span.parent_id.as_str())).copied().filter(|parent| *parent != at);
            match parent.and_then(|parent| children.get_mut(parent)) {
                Some(children) => children.push(at),
                None => roots.entry(&span.trace_id).or_default().push(at),
            }
        }
        let mut traces: Vec<Vec<usize>> = roots.into_values().collect();
        let length = |at: usize| spans.get(at).map_or(0.0, |span| span.duration_ms);
        for roots in &mut traces {
            roots.sort_by(|a, b| length(*b).total_cmp(&length(*a)));
        }
        Self { spans, children, traces }
    }

    pub fn span(&self, at: usize) -> Option<&'a TraceSpan> {
        self.spans.get(at)
    }

    /// The spans right below one.
    pub fn children(&self, at: usize) -> impl Iterator<Item = (usize, &'a TraceSpan)> {
        self.children.get(at).into_iter().flatten().filter_map(|child| Some((*child, self.spans.get(*child)?)))
    }

    /// Every span of a trace with its place, callers before callees.
    pub fn places(&self, trace: usize) -> Vec<usize> {
        let mut open: Vec<(usize, usize)> = self.traces.get(trace).into_iter().flatten().rev().map(|root| (*root, 0)).collect();
        let mut out = Vec::new();
        while let Some((at, depth)) = open.pop() {
            out.push(at);
            if depth < DEEP {
                open.extend(self.children(at).map(|(child, _)| (child, depth + 1)));
            }
        }
        out
    }

    pub fn spans_of(&self, trace: usize) -> impl Iterator<Item = &'a TraceSpan> {
        self.places(trace).into_iter().filter_map(|at| self.spans.get(at))
    }

    /// Milliseconds that a span spends on nothing that is below it.
    pub fn own_ms(&self, at: usize) -> f64 {
        let Some(span) = self.span(at) else { return 0.0 };
        (span.duration_ms - covered(span, self.children(at).map(|(_, child)| child))).max(0.0)
    }
}

/// The span says that it failed.
pub fn is_failed(span: &TraceSpan) -> bool {
    let status = span.status.to_ascii_lowercase();
    status.contains("error") || status.contains("fail") || status == "2" || status.starts_with('5') && status.len() == 3
}

/// When it ended, in milliseconds since 1970.
pub fn end(span: &TraceSpan) -> f64 {
    millis(span.start) + span.duration_ms
}

/// Milliseconds since 1970.
pub fn millis(time: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
    let micros = time.as_microsecond() as f64;
    micros / 1e3
}

/// How many milliseconds of `span` are inside of at least one of `parts`.
pub fn covered<'a>(span: &TraceSpan, parts: impl Iterator<Item = &'a TraceSpan>) -> f64 {
    let (from, until) = (millis(span.start), end(span));
    let mut ranges: Vec<(f64, f64)> =
        parts.map(|part| (millis(part.start).max(from), end(part).min(until))).filter(|(a, b)| b > a).collect();
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut reached = from;
    let mut sum = 0.0;
    for (start, stop) in ranges {
        let start = start.max(reached);
        if stop > start {
            sum += stop - start;
            reached = stop;
        }
    }
    sum
}
