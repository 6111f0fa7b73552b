use jiff::Timestamp;

use super::render;
use crate::model::{EvidenceId, Text};

#[test]
fn nothing_in_data_becomes_a_mention_a_link_or_formatting() {
    let hostile = "<!channel> <@U1> <http://evil|x> *bold* _it_ ~s~ `code` :fire: & @here";
    let shown = render(&Text::new().plain(hostile));
    for forbidden in ["<!", "<@", "<http", "*bold*", "`code`", ":fire:"] {
        assert!(!shown.contains(forbidden), "{forbidden} survived in {shown}");
    }
    assert!(shown.contains("&amp;"));
}

#[test]
fn code_keeps_its_text_on_one_line() {
    assert_eq!(render(&Text::new().code("a`b\nc<d>")), "`a'b c&lt;d&gt;`");
}

#[test]
fn times_are_local_for_each_reader() {
    let at: Timestamp = "2026-01-02T14:03:00Z".parse().unwrap();
    let shown = render(&Text::new().plain("since ").time(at).evidence(&[EvidenceId(1)]));
    assert_eq!(shown, "since <!date^1767362580^{time}|14:03 UTC> `E1`");
}

#[test]
fn an_ordinary_sentence_stays_readable() {
    assert_eq!(render(&Text::new().plain("Do now: roll back")), "Do now: roll back");
}

#[test]
fn names_stay_as_they_can_be_copied() {
    for name in ["billing:2.4.1-rc", "db_orders_v2", "http://orders:8080/healthz", "limits.memory: 512Mi"] {
        assert_eq!(render(&Text::new().plain(name)), name);
    }
}
