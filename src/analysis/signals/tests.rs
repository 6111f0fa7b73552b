use super::{
    behaviour::masked,
    family::Family,
    normal::{Normal, median},
    *,
};
use crate::model::{
    Entity,
    observation::{Series, TraceSpan},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn focus(service: &str, text: &str) -> Focus {
    Focus {
        entities: vec![Entity::new("", "", service)],
        words: vec![service.to_owned()],
        text: text.to_owned(),
        now: Some(at(0)),
        ..Focus::default()
    }
}

fn series(service: &str, metric: &str, value: impl Fn(i64) -> f64) -> Series {
    let points = (-60..10).map(|minute| (at(minute * 60), value(minute))).collect();
    Series {
        source: "m.csv".to_owned(),
        entity: Entity::new("Service", "", service),
        metric: metric.to_owned(),
        points,
        ..Series::default()
    }
}

fn span(trace: usize, id: &str, parent: &str, service: &str, start_ms: i64, duration_ms: f64) -> TraceSpan {
    TraceSpan {
        source: "s.json".to_owned(),
        trace_id: trace.to_string(),
        span_id: format!("{id}{trace}"),
        parent_id: if parent.is_empty() { String::new() } else { format!("{parent}{trace}") },
        service: service.to_owned(),
        name: format!("{service} op"),
        start: Timestamp::from_millisecond(1_780_000_000_000 + start_ms).unwrap(),
        duration_ms,
        ..TraceSpan::default()
    }
}

#[test]
fn a_metrics_name_tells_its_family() {
    let of = |name: &str| Family::of(name);
    assert_eq!(of("http_server_duration_p99_ms"), Some(Family::Latency));
    assert_eq!(of("PodSuccessRate(%)"), Some(Family::Availability));
    assert_eq!(of("error_rate_5xx_ratio"), Some(Family::Errors));
    assert_eq!(of("cache_hit_ratio"), Some(Family::HitRatio));
    assert_eq!(of("db_pool_in_use"), Some(Family::Backlog));
    assert_eq!(of("db_pool_acquire_wait_p99"), Some(Family::Latency));
    assert_eq!(of("requests_per_sec"), Some(Family::Traffic));
    assert_eq!(of("NodeCpuUsageRate(%)"), None);
}

#[test]
fn what_is_normal_bears_an_outlier_and_a_constant() {
    let normal = Normal::of(&[1.0, 1.1, 0.9, 1.0, 50.0, 1.0, 1.05], 0.01, 1e-9).unwrap();
    assert!((normal.middle - 1.0).abs() < 1e-9 && normal.distance(1.0).abs() < 1e-9);
    assert_eq!(Normal::of(&[f64::NAN], 0.01, 1e-9), None);
    assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0]), 2.0);
    assert!(Normal::of(&[100.0; 9], 0.002, 1e-9).unwrap().distance(97.0) < -10.0);
}

#[test]
fn the_onset_is_the_first_point_of_the_run_that_reaches_the_alert() {
    let ramp =
        series("db", "latency_ms", |minute| if minute < -20 { 10.0 } else { 10.0 + f64::from(i32::try_from(minute + 20).unwrap()) * 5.0 });
    let sign = window::first_sign(&ramp.points, Family::Latency, at(0)).unwrap();
    assert!((-1_200..=-1_080).contains(&sign.duration_since(at(0)).as_secs()), "{sign}");
    let over = series("db", "latency_ms", |minute| if (-40..-30).contains(&minute) { 90.0 } else { 10.0 });
    assert_eq!(window::first_sign(&over.points, Family::Latency, at(0)), None, "a spike that is over is no onset");
}

#[test]
fn a_caller_whose_callee_explains_it_is_not_the_origin() {
    let slow = |minute: i64| if minute >= 0 { 80.0 } else { 10.0 };
    let observations = Observations {
        metrics: vec![series("web", "latency_ms", slow), series("db", "latency_ms", slow), series("mail", "latency_ms", |_| 5.0)],
        edges: vec![
            crate::model::observation::Edge { caller: "web".to_owned(), callee: "db".to_owned() },
            crate::model::observation::Edge { caller: "web".to_owned(), callee: "mail".to_owned() },
        ],
        ..Observations::default()
    };
    let findings = Study::of(&observations, &focus("web", "web latency is high")).unwrap().findings();
    assert_eq!(findings[0].entity.name, "db", "{}", findings[0].statement);
    assert!(findings.iter().all(|finding| finding.entity.name != "mail"));
}

#[test]
fn time_between_caller_and_callee_belongs_to_the_one_whose_other_calls_are_slow_too() {
    let mut spans = Vec::new();
    for trace in 0..40 {
        let late = trace >= 20;
        let start = if late { 1_000 * i64::try_from(trace).unwrap() } else { -600_000 + 1_000 * i64::try_from(trace).unwrap() };
        let way = if late { 500.0 } else { 2.0 };
        // web calls cart and stock; only the way to stock is long
        spans.push(span(trace, "a", "", "web", start, 40.0 + way));
        spans.push(span(trace, "b", "a", "web", start + 1, 12.0));
        spans.push(span(trace, "c", "b", "cart", start + 2, 10.0));
        spans.push(span(trace, "d", "a", "web", start + 15, 10.0 + way));
        spans.push(span(trace, "e", "d", "stock", start + 16, 10.0));
    }
    let observations = Observations { spans, ..Observations::default() };
    let findings = Study::of(&observations, &focus("web", "web is slow")).unwrap().findings();
    assert_eq!((findings[0].entity.name.as_str(), findings[0].category.as_str()), ("stock", "network_fault"), "{}", findings[0].statement);
    assert!(findings[0].statement.contains("stock") && findings[0].seen[0].summary.contains("500"), "{:?}", findings[0].seen);
}

#[test]
fn nothing_to_compare_with_says_nothing() {
    let empty = Observations::default();
    assert!(Study::of(&empty, &focus("web", "slow")).is_none());
    let only_after = Observations {
        metrics: vec![Series { points: vec![(at(0), 5.0), (at(60), f64::INFINITY)], ..series("web", "latency_ms", |_| 1.0) }],
        ..Observations::default()
    };
    assert!(Study::of(&only_after, &focus("web", "slow")).unwrap().findings().is_empty());
    let cyclic = Observations {
        spans: vec![span(1, "a", "a", "web", 0, 1.0), span(1, "b", "c", "x", 0, 1.0), span(1, "c", "b", "y", 0, 1.0)],
        ..Observations::default()
    };
    assert!(Study::of(&cyclic, &focus("web", "slow")).unwrap().findings().is_empty());
}

#[test]
fn a_signal_that_stops_is_silent() {
    let mut gone = series("worker", "jobs_done_ops", |_| 4.0);
    gone.points.retain(|(time, _)| *time < at(0));
    let observations = Observations { metrics: vec![gone, series("web", "requests", |_| 9.0)], ..Observations::default() };
    let findings = Study::of(&observations, &focus("worker", "nothing is done")).unwrap().findings();
    assert_eq!(findings.iter().map(|finding| finding.category.as_str()).collect::<Vec<_>>(), ["silence"]);
}

#[test]
fn ids_and_numbers_do_not_tell_messages_apart() {
    assert_eq!(masked("order 17 of user-3f failed: timeout", 80), masked("order 99 of user-aa1 failed: timeout", 80));
    assert_ne!(masked("order failed: timeout", 80), masked("order failed: refused", 80));
}

#[test]
fn without_an_alert_the_spans_tell_when_it_began() {
    let spans: Vec<TraceSpan> = (0..200)
        .map(|n| span(n, "a", "", "web", -3_000_000 + i64::try_from(n).unwrap() * 15_000, if n < 180 { 10.0 } else { 300.0 }))
        .collect();
    let observations = Observations { spans, ..Observations::default() };
    let window = Window::of(&observations, &focus("web", "why is web slow?"), at(0));
    let before = window.onset.duration_since(at(0)).as_secs();
    assert!((-330..=-270).contains(&before), "{before}");
}
