use serde_json::json;

use super::payload::{Context, Payload, View};
use crate::model::{IncidentId, Reply};

#[test]
fn a_modal_carries_what_it_is_about_and_where_the_person_is_answered() {
    let reply = Reply { channel: "C1".into(), thread: Some("1.2".into()), response_url: None };
    let context = Context {
        incident: IncidentId(7),
        reply: reply.clone(),
        zone: "Europe/Berlin".into(),
        investigation: None,
        runbook: String::new(),
    };
    let view = View { private_metadata: context.to_metadata(), ..View::default() };
    assert_eq!(view.context(), Some(context));
    let payload = Payload { view: Some(view), ..Payload::default() };
    assert_eq!(payload.reply(), reply);
    assert!(View { private_metadata: "{}".into(), ..View::default() }.context().is_none());
}

#[test]
fn every_sort_of_input_is_read_and_nothing_is_nothing() {
    let view: View = serde_json::from_value(json!({"id": "V1", "unknown": [1], "state": {"values": {
        "other": {"other": {"type": "plain_text_input", "value": "  45m "}},
        "for": {"for": {"type": "static_select", "selected_option": {"value": "2h", "text": {"type": "plain_text", "text": "2 hours"}}}},
        "to": {"to": {"type": "users_select", "selected_user": "U1"}},
        "reason": {"reason": {"type": "plain_text_input", "value": null}},
        "covers": {"covers": {"type": "radio_buttons", "selected_option": null}},
    }}}))
    .unwrap();
    let filled = |input: &str| view.filled(input);
    assert_eq!(filled("other").as_deref(), Some("45m"));
    assert_eq!(filled("for").as_deref(), Some("2h"));
    assert_eq!(filled("to").as_deref(), Some("U1"));
    assert_eq!((filled("reason"), filled("covers"), filled("none")), (None, None, None));
}
