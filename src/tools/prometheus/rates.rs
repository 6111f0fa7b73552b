//! Counters as rates. A counter that only grows says nothing by its height; its growth does, resets taken into account.

use jiff::Timestamp;

use crate::model::observation::{Observations, Series};

/// The same observations with every counter as its growth per second.
pub fn of_counters(mut all: Observations) -> Observations {
    for series in &mut all.metrics {
        if is_counter(series) {
            series.points = rate(&series.points);
            series.metric = format!("rate({})", series.metric);
        }
    }
    all
}

/// By its name, as Prometheus and OpenMetrics want counters to be named, and it never falls but to begin again.
fn is_counter(series: &Series) -> bool {
    let named = ["_total", "_count", "_sum"].iter().any(|end| series.metric.ends_with(end));
    named && series.points.len() >= 2 && series.points.iter().all(|(_, value)| *value >= 0.0)
}

fn rate(points: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let pairs = points.iter().zip(points.iter().skip(1));
    let step = |((before, old), (after, new)): (&(Timestamp, f64), &(Timestamp, f64))| {
        let seconds = after.duration_since(*before).as_secs_f64();
        // After a restart a counter begins at nothing, so that all of it has grown since.
        let grown = if new >= old { new - old } else { *new };
        (seconds > 0.0).then(|| (*after, grown / seconds))
    };
    pairs.filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_per_second_survives_a_restart() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let points = vec![(at(0), 100.0), (at(30), 160.0), (at(60), 30.0), (at(60), 31.0)];
        let series = Series { metric: "requests_total".into(), points, ..Series::default() };
        let gauge = Series { metric: "temperature".into(), points: vec![(at(0), 5.0), (at(30), 4.0)], ..Series::default() };
        let all = of_counters(Observations { metrics: vec![series, gauge.clone()], ..Observations::default() });
        assert_eq!(all.metrics[0].metric, "rate(requests_total)");
        assert_eq!(all.metrics[0].points, [(at(30), 2.0), (at(60), 1.0)]);
        assert_eq!(all.metrics[1], gauge);
    }
}
