use jiff::Timestamp;

use super::*;
use crate::{
    model::Alert,
    report::tests::{incident, investigation},
};

fn at(time: &str) -> Timestamp {
    format!("2026-01-15T{time}Z").parse().unwrap()
}

/// A rollout, its crash and the errors in the logs.
fn story() -> (Incident, Investigation) {
    let mut seen = investigation();
    seen.activity = Activity {
        from: Some(at("13:58:00")),
        step_ms: 12_000,
        lines: (0..60).map(|step| if step < 25 { 40 + step % 7 } else { 60 + step * 3 % 50 }).collect(),
        errors: (0..60).map(|step| if step < 25 { 0 } else { 20 + step * 7 % 40 }).collect(),
    };
    let mut incident = incident(crate::model::IncidentState::Reported);
    incident.alert = Alert { name: "KubePodCrashLooping".into(), starts_at: Some(at("14:05:00")), ..Alert::default() };
    incident.resolved_at = Some(at("14:07:00"));
    (incident, seen)
}

#[test]
fn the_marks_mean_what_they_show() {
    let (incident, seen) = story();
    let picture = timeline_picture(&incident, &seen).unwrap();
    let told: Vec<String> = picture.marks.iter().map(|mark| format!("{} {}", mark.at.strftime("%H:%M:%S"), mark.meaning.word())).collect();
    assert_eq!(told[0], "14:02:10 change");
    assert!(told.contains(&"14:05:00 alert".to_owned()) && told.contains(&"14:07:00 resolved".to_owned()), "{told:?}");
    assert_eq!(picture.marks.iter().filter(|mark| mark.meaning == Meaning::Onset).count(), 1, "{told:?}");
    assert!(picture.alt.contains("14:02:10 change: revision 17") && picture.alt.contains("Most errors"), "{}", picture.alt);
    assert!(picture.alt.chars().count() < 1000, "Slack takes no more");
}

#[test]
fn the_same_timeline_is_the_same_picture_quickly_and_small() {
    let (incident, seen) = story();
    let picture = timeline_picture(&incident, &seen).unwrap();
    let first = picture.png().unwrap();
    let second = picture.png().unwrap();
    assert_eq!(first, second);
    assert!(first.starts_with(b"\x89PNG") && first.len() < 80_000, "{} bytes", first.len());
}

#[test]
fn one_moment_is_no_timeline() {
    let (incident, mut seen) = story();
    seen.evidence.truncate(1);
    assert_eq!(timeline_picture(&incident, &seen), None);
    seen.evidence.clear();
    assert_eq!(timeline_picture(&incident, &seen), None);
}

#[test]
fn an_alert_of_another_day_does_not_squeeze_the_story() {
    let (mut incident, seen) = story();
    incident.alert.starts_at = Some("2026-03-01T00:00:00Z".parse().unwrap());
    incident.resolved_at = None;
    let picture = timeline_picture(&incident, &seen).unwrap();
    assert!(picture.marks.iter().all(|mark| mark.meaning != Meaning::Alert));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 40, ..Default::default() })]
    #[test]
    fn any_words_and_any_times_give_a_picture(words in "\\PC{0,200}", control in "[\\x00-\\x1f<>&\"']{0,8}", seconds in proptest::collection::vec(0i64..4_000_000_000, 2..12)) {
        let (mut incident, mut seen) = story();
        incident.alert.name = format!("{words}{control}");
        let template = seen.evidence[0].clone();
        seen.evidence = seconds.iter().zip(1..).map(|(second, id)| crate::model::Evidence {
            id: crate::model::EvidenceId(id),
            time: Timestamp::from_second(*second).ok(),
            summary: format!("{control}{words}"),
            ..template.clone()
        }).collect();
        if let Some(picture) = timeline_picture(&incident, &seen) {
            proptest::prop_assert!(picture.png().is_ok(), "{}", picture.svg());
        }
    }
}
