//! How much was logged around the incident: what the timeline's picture draws under its marks.

use jiff::Timestamp;

use crate::model::{
    Activity, Evidence,
    observation::{Level, LogStream},
};

/// How many steps the time around the incident is cut into: bars that are still told apart in a small picture.
const STEPS: i64 = 60;
/// The shortest span that is worth counting; below a second a step would be shorter than a log's own clock.
const SPAN_MIN_MS: i64 = STEPS * 1000;
/// How much of the span is added before and after, so that what was usual can be seen beside what was not: one part in this many.
const MARGIN: i64 = 4;

/// Counts the log lines from a little before the first dated evidence to a little after the last.
pub fn around(logs: &[LogStream], evidence: &[Evidence]) -> Activity {
    let times = || evidence.iter().flat_map(|seen| seen.time.into_iter().chain(seen.until)).map(Timestamp::as_millisecond);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Activity::default() };
    let span = last.saturating_sub(first).max(SPAN_MIN_MS);
    let from = first.saturating_sub(span / MARGIN);
    let step = (span + span / MARGIN * 2) / STEPS;
    let mut activity = Activity {
        from: Timestamp::from_millisecond(from).ok(),
        step_ms: step.unsigned_abs(),
        lines: vec![0; STEPS as usize],
        errors: vec![0; STEPS as usize],
    };
    let mut any = false;
    for line in logs.iter().flat_map(|log| &log.lines) {
        let Some(at) = line.time.map(|time| time.as_millisecond() - from).filter(|at| *at >= 0) else { continue };
        let Ok(step) = usize::try_from(at / step) else { continue };
        if let Some(count) = activity.lines.get_mut(step) {
            *count = count.saturating_add(1);
            any = true;
        }
        if line.known_level() >= Some(Level::Error)
            && let Some(count) = activity.errors.get_mut(step)
        {
            *count = count.saturating_add(1);
        }
    }
    if any { activity } else { Activity::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entity, EvidenceId, EvidenceKind, observation::LogLine};

    fn seen(time: &str) -> Evidence {
        Evidence {
            id: EvidenceId(1),
            kind: EvidenceKind::Event,
            source: String::new(),
            query: String::new(),
            entity: Entity::default(),
            time: Some(time.parse().unwrap()),
            until: None,
            summary: String::new(),
            excerpt: String::new(),
            link: None,
            decisive: false,
        }
    }

    fn line(time: &str, level: Level) -> LogLine {
        LogLine { time: Some(time.parse().unwrap()), level, level_stated: true, ..LogLine::default() }
    }

    #[test]
    fn lines_and_errors_are_counted_in_their_steps() {
        let log = LogStream {
            lines: vec![
                line("2026-01-15T13:00:00Z", Level::Info),
                line("2026-01-15T14:00:00Z", Level::Info),
                line("2026-01-15T14:00:01Z", Level::Error),
                line("2026-01-15T18:00:00Z", Level::Error),
            ],
            ..LogStream::default()
        };
        let activity = around(&[log], &[seen("2026-01-15T14:00:00Z"), seen("2026-01-15T14:20:00Z")]);
        assert_eq!(activity.step_ms, 30_000);
        assert_eq!(activity.lines.len(), 60);
        assert_eq!((activity.lines.iter().sum::<u32>(), activity.errors.iter().sum::<u32>()), (2, 1), "what is far away is not counted");
        assert_eq!(activity.lines[10], 2);
    }

    #[test]
    fn without_times_there_is_nothing_to_count() {
        assert_eq!(around(&[], &[]), Activity::default());
        assert_eq!(around(&[LogStream::default()], &[seen("2026-01-15T14:00:00Z")]), Activity::default());
    }
}
