//! Set phrases of alert bots: headings that name nothing, verbs that give the state, and news about alerts that is no alert.

use super::{
    mrkdwn,
    pattern::{Pattern, capture, compile},
    title::Title,
    words,
};

/// Notes, hand-overs, digests and help texts: they speak of alerts and are none.
static BOOKKEEPING: Pattern = Pattern::new(|| {
    compile(
        r"(?ix)
            \b(?:added|left|posted|wrote|updated|edited)\s+(?:an?\s+|the\s+)?(?:private\s+)?(?:note|comment|responders?|tags?|subscribers?)\b
          | \b(?:note|comment|responders?|tags?)\s+(?:was\s+|were\s+)?added\b | \bcommented\s+on\b
          | \b(?:was|were|has\ been|got)\s+(?:(?:re)?assigned|escalated)\s+(?:to|from|by)\b | \breassigned\s+(?:to|from|by)\b | \b(?:re)?assigned\s+(?:alert|incident|issue|\#\d)
          | \b(?:daily|weekly|monthly|hourly|nightly|quarterly)\b.{0,40}\b(?:report|summary|digest|review|recap|overview|statistics)\b
          | \balerts?\s+(?:digest|summary|recap|statistics)\b | \b(?:digest|summary|recap)\s+of\s+(?:\w+\s+)?(?:alerts|incidents|issues)\b
          | \b(?:now|goes|going|went|are|is|off)\s+(?:on|off)[\ -]call\b | \bon[\ -]call\s+(?:shift|hand-?off|hand-?over|rotation|schedule|report)\b
          | \bsilence\s+(?:\S+\s+)?(?:was\s+|has\s+been\s+)?(?:created|added|expired|removed|deleted|updated|extended)\b | \bsilenced\s+by\b
          | \bcreated\s+an?\s+(?:\w+\s+)?(?:bug|task|story|epic|ticket|sub-?task|issue|channel)\b
          | ^(?:usage|commands|help)\b\s*: | ^(?:hi|hey|hello)\b | \bi\ can\s+(?:help|run|show)\b
          | \binvited\s+\S+\s+to\b | \b(?:posted|published|sent)\s+a\s+status\s+update\b | \bshared\s+an?\s+(?:\w+\s+)?(?:dashboard|graph|notebook|snapshot|view)\b
          | \b(?:un)?subscribed\s+(?:to|from)\b | \bsuccessfully\s+(?:connected|configured|installed|integrated|authorized)\b
          | \bintegration\s+(?:was|has\s+been|is\s+now)\b | \bhas\s+been\s+(?:connected|configured|installed|integrated)\b
          | \btest\s+notification\b | \bthis\s+is\s+(?:only\s+)?a\s+test\b",
    )
});

/// `Critical priority issue is closed`, `Alert was acknowledged by Ann`, `Alarm has been closed`.
static ANNOUNCED: Pattern = Pattern::new(|| {
    compile(
        r"(?i)^(?:an?\s+|the\s+)?(?:(?:[a-z]+\s+priority\s+)?(?:alert|alarm|incident|issue|problem)\s+(?:is|was|has been)(?:\s+now)?|new|(?:alert|alarm|incident|issue|problem)\s+(?:auto-?)?)\s*(active|closed|resolved|acknowledged|reopened|opened|open|triggered|recovered|snoozed)\b",
    )
});
/// `Ann acknowledged alert #412 "…"`.
static DONE: Pattern = Pattern::new(|| {
    compile(
        r"(?i)^\S+(?:\s\S+){0,3}?\s(acknowledged|unacknowledged|closed|resolved|reopened|snoozed|escalated)\s+(?:the\s+)?(?:alert|alarm|incident|issue|problem)\b",
    )
});

/// A name in quotation marks behind the word for what it is, or as the subject of the sentence.
static QUOTED: Pattern = Pattern::new(|| {
    compile(
        r#"(?ix)^(?:.{0,80}?\b(?:alarm|alert|rule|check|monitor|condition\ for|test|search|trigger)\s+(?:\[?\#\d+\]?:?\s*)?)?
            ["“'‘]([^"”'’\n]{2,120})["”'’]\s*(?:is|are|was|has|have|in|entered|changed|went|triggered|fired|failed|recovered|$)"#,
    )
});

/// Whether a line tells of the work on alerts: a note, a hand-over, a digest, a silence, help.
pub(super) fn is_bookkeeping(line: &str) -> bool {
    BOOKKEEPING.is_match(mrkdwn::without_emoji(line))
}

/// The state that a set phrase at the beginning of a line gives.
pub(super) fn announced(line: &str) -> Option<crate::model::AlertStatus> {
    let line = mrkdwn::without_emoji(line);
    capture(&ANNOUNCED, line).or_else(|| capture(&DONE, line)).and_then(words::status)
}

/// The quoted name in a sentence that states what became of it.
pub(super) fn quoted_name(line: &str) -> Option<&str> {
    capture(&QUOTED, mrkdwn::without_emoji(line))
}

/// A heading that says "alert" and perhaps its state and severity, but not which: `Prometheus Alert Firing 🔴 High`.
pub(super) fn heading(line: &str) -> Option<Title> {
    let mut title = Title::default();
    let mut says_alert = false;
    for word in mrkdwn::without_any_emoji(line).split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).take(13) {
        let lower = word.to_lowercase();
        match lower.as_str() {
            "alert" | "alerts" | "alarm" | "incident" => (says_alert, title.marked) = (true, true),
            // Trackers of bugs have issues, too.
            "issue" | "problem" => says_alert = true,
            "new" | "priority" | "severity" | "is" | "was" | "has" | "been" | "a" | "an" | "the" | "notification" | "monitoring"
            | "monitor" | "event" | "update" | "status" | "prometheus" | "alertmanager" | "grafana" | "datadog" | "cloudwatch"
            | "uptime" | "kuma" | "system" | "service" | "production" | "prod" | "of" | "detected" => {}
            _ if words::is_severity(&lower) && title.severity_word.is_empty() => word.clone_into(&mut title.severity_word),
            _ if words::status(&lower).is_some() => title.status = title.status.or(words::status(&lower)),
            _ => return None,
        }
    }
    title.marked &= title.status.is_some() || !title.severity_word.is_empty();
    says_alert.then_some(title)
}
