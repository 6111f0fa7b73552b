//! Who is on call now.

use jiff::Timestamp;

use crate::model::{Message, Part, Text};

use super::words::short;

/// One schedule, or the user group where `schedule` is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCallNow {
    pub schedule: String,
    /// Names; nobody is on call where there is none.
    pub people: Vec<String>,
    /// When somebody else takes over, where that is known.
    pub until: Option<Timestamp>,
    /// Why it may be old, or why it is not known.
    pub stale: Option<String>,
}

/// The answer to `/sre oncall`: a line for each schedule.
pub fn on_call(now: &[OnCallNow]) -> Message {
    let mut text = Text::new();
    let mut words = Vec::new();
    for (at, turn) in now.iter().enumerate() {
        let names = match (turn.people.as_slice(), &turn.stale) {
            ([], Some(_)) => "not known".to_owned(),
            ([], None) => "nobody".to_owned(),
            (people, _) => people.join(", "),
        };
        let label = if turn.schedule.is_empty() { "On call".to_owned() } else { format!("On call, {}", turn.schedule) };
        words.push(format!("{label}: {names}."));
        if at > 0 {
            text = text.plain("\n");
        }
        text = text.plain("On call");
        if !turn.schedule.is_empty() {
            text = text.plain(", ").bold(&turn.schedule);
        }
        text = text.plain(format!(": {names}"));
        if let Some(until) = turn.until {
            text = text.plain(" until ").time(until);
        }
        if let Some(why) = &turn.stale {
            let note = if turn.people.is_empty() { short(why, 200) } else { format!("may be old: {}", short(why, 200)) };
            text = text.plain(format!(" ({note})"));
        }
        text = text.plain(".");
    }
    Message { text: words.join(" "), parts: vec![Part::Section(text)] }
}

#[cfg(test)]
mod tests {
    use super::{OnCallNow, on_call};

    #[test]
    fn who_is_on_call_until_when_and_what_is_not_known() {
        let until = Some("2026-03-02T09:00:00Z".parse().unwrap());
        let group = OnCallNow { people: vec!["Alice".into(), "Bob".into()], ..OnCallNow::default() };
        let file = OnCallNow { schedule: "primary".into(), people: vec!["Ana".into()], until, stale: None };
        let away = OnCallNow { schedule: "paging".into(), stale: Some("no answer in 5 s".into()), ..OnCallNow::default() };
        let message = on_call(&[group, file, away, OnCallNow { schedule: "night".into(), ..OnCallNow::default() }]);
        assert_eq!(message.text, "On call: Alice, Bob. On call, primary: Ana. On call, paging: not known. On call, night: nobody.");
        let shown = format!("{:?}", message.parts);
        assert!(shown.contains("until") && shown.contains("2026-03-02T09:00:00Z") && shown.contains("no answer in 5 s"), "{shown}");
    }
}
