use serde_json::Value;

use super::{message, modal};
use crate::model::{Action, ActionStyle, Message, Part, Text};

fn size(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

#[test]
fn a_huge_message_stays_within_every_limit() {
    let long = "<&> é".repeat(5_000);
    let action = Action::button("ack", long.clone(), long.clone()).styled(ActionStyle::Primary);
    let mut parts = vec![
        Part::Section(Text::new().bold("x").plain(long.clone())),
        Part::Context(Text::new().plain(long.clone())),
        Part::Excerpt(long.clone()),
        Part::Actions((0..40).map(|number| Action { id: format!("act{number}"), ..action.clone() }).collect()),
        Part::Table { header: vec!["a".into(), "b".into()], rows: vec![vec![long.clone(), "".into()]; 3] },
        Part::Table { header: vec!["a".into()], rows: vec![vec!["1".into()]; 3] },
    ];
    parts.extend(vec![Part::Divider; 60]);
    let body = message(&Message { text: long, parts });
    assert!(size(&body["text"]) <= 3000);
    let blocks = body["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 50);
    assert!(size(&blocks[0]["text"]["text"]) <= 3000);
    assert!(size(&blocks[1]["elements"][0]["text"]) <= 2000);
    assert!(size(&blocks[2]["text"]["text"]) <= 3000);
    assert_eq!(blocks[3]["elements"].as_array().unwrap().len(), 25);
    assert!(size(&blocks[3]["elements"][0]["text"]["text"]) <= 75);
    assert_eq!(blocks.iter().filter(|block| block["type"] == "table").count(), 1);
}

#[test]
fn an_empty_cell_and_empty_texts_are_never_sent_empty() {
    let parts = vec![
        Part::Section(Text::new()),
        Part::Section(Text::new().plain(" ")),
        Part::Table { header: vec!["a".into()], rows: vec![vec![String::new()]] },
    ];
    let body = message(&Message { text: "t".into(), parts });
    let blocks = body["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 2, "the section without spans is left out");
    assert_eq!(blocks[0]["text"]["text"], "–");
    assert_eq!(blocks[1]["rows"][1][0]["text"], "–");
}

#[test]
fn a_modals_title_fits() {
    let view = modal("INC-1234567 all the evidence there is", &[Part::Divider]);
    assert!(size(&view["title"]["text"]) <= 24);
}
