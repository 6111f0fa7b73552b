use jiff::Timestamp;

use super::{apply, read};
use crate::model::{
    Entity,
    observation::{Change, Event, Level, LogLine, LogStream, Object, Observations},
};

fn now() -> Timestamp {
    "2026-01-15T14:30:00Z".parse().unwrap()
}

fn at(clock: &str) -> Timestamp {
    format!("2026-01-15T{clock}:00Z").parse().unwrap()
}

fn line(clock: &str, level: Level, text: &str) -> LogLine {
    LogLine { time: Some(at(clock)), level, level_stated: true, text: text.into(), ..LogLine::default() }
}

fn evidence() -> Observations {
    let log = |pod: &str, lines| LogStream {
        source: format!("logs/{pod}.log"),
        entity: Entity::new("Pod", "shop", pod),
        lines,
        ..LogStream::default()
    };
    let change = |id: &str, kind: &str, service: &str, clock: &str| Change {
        id: id.into(),
        kind: kind.into(),
        service: service.into(),
        time: Some(at(clock)),
        ..Change::default()
    };
    Observations {
        logs: vec![
            log(
                "api-7f5b9",
                vec![line("13:30", Level::Error, "early"), line("13:50", Level::Error, "timeout"), line("13:55", Level::Info, "fine")],
            ),
            log("payments-1", vec![line("13:52", Level::Error, "card refused")]),
        ],
        events: vec![Event {
            entity: Entity::new("Pod", "shop", "payments-1"),
            event_type: "Warning".into(),
            last: Some(at("13:40")),
            ..Event::default()
        }],
        objects: vec![Object { kind: "Pod".into(), namespace: "shop".into(), name: "api-7f5b9".into(), ..Object::default() }],
        changes: vec![
            change("a1", "deploy", "api", "13:45"),
            change("b2", "deploy", "payments", "13:20"),
            change("c3", "flag", "api", "13:49"),
            change("d4", "deploy", "api", "09:00"),
        ],
        ..Observations::default()
    }
}

fn kept_lines(text: &str) -> Vec<String> {
    let kept = apply(&read(text, now()), &evidence());
    kept.observations.logs.iter().flat_map(|stream| stream.lines.iter().map(|line| line.text.clone())).collect()
}

#[test]
fn errors_of_a_service_in_a_time_range() {
    let kept = apply(&read("Only errors of api, 13:40 to 14:10", now()), &evidence());
    assert_eq!(kept_lines("Only errors of api, 13:40 to 14:10"), ["timeout"]);
    assert!(kept.says.starts_with("Only errors of `api`, 13:40 to 14:10 UTC: 1 of 4 log lines"), "{}", kept.says);
    assert_eq!(kept.names, ["api"]);
    assert!(kept.gaps.is_empty(), "{:?}", kept.gaps);
    assert_eq!(kept.observations.objects.len(), 1, "a state has no time and stays");
}

#[test]
fn the_last_two_deploys_and_what_came_after() {
    let kept = apply(&read("narrow to the last two deploys", now()), &evidence());
    let ids: Vec<&str> = kept.observations.changes.iter().map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["a1", "b2"]);
    assert!(kept.says.contains("the last 2 deploys (`a1`, `b2`)"), "{}", kept.says);
    assert_eq!(kept_lines("only the last change of api"), ["timeout", "fine"], "since 13:49");
}

#[test]
fn ignoring_and_choosing_who_looks() {
    assert_eq!(kept_lines("ignore payments"), ["early", "timeout", "fine"]);
    assert_eq!(kept_lines("ignore timeout"), ["early", "fine", "card refused"], "a word that names nothing is a word of the log");
    assert_eq!(read("only database", now()).agents, ["database"]);
    assert_eq!(read("focus on the network", now()).agents, ["network"]);
    assert!(read("only database", now()).asked.is_empty());
}

#[test]
fn what_is_named_in_passing_narrows_nothing_but_the_time() {
    let kept = apply(&read("why is api slow since 13:50?", now()), &evidence());
    assert_eq!(kept_lines("why is api slow since 13:50?"), ["timeout", "fine", "card refused"]);
    assert_eq!(kept.names, ["api"]);
    assert_eq!(kept.observations.changes.len(), 3, "a change of the hour before can be the cause");
    assert!(kept.says.contains("since 13:50 UTC"), "{}", kept.says);
}

#[test]
fn it_is_honest_about_what_it_does_not_know_and_when_nothing_is_left() {
    let unknown = apply(&read("only errors of warehouse", now()), &evidence());
    assert!(unknown.gaps.iter().any(|gap| gap.contains("`warehouse`")), "{:?}", unknown.gaps);
    let mut alone = evidence();
    (alone.objects, alone.events, alone.changes) = (Vec::new(), Vec::new(), Vec::new());
    let empty = apply(&read("only before 08:00", now()), &alone);
    assert!(empty.gaps.iter().any(|gap| gap.contains("nothing is left")), "{:?}", empty.gaps);
    let plain = apply(&read("is the moon full?", now()), &evidence());
    assert_eq!((plain.says.as_str(), plain.gaps.len()), ("", 0));
    assert_eq!(plain.observations, evidence());
    for text in ["", "only", "ignore", "last", "since", "between and", "narrow to the", "только ошибки 🙂 since 25:99", "of of of in in"]
    {
        apply(&read(text, now()), &evidence());
    }
}
