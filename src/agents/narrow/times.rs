//! Times in a person's words: "since 14:00", "last 30 min", "between 13:00 and 14:00", "yesterday 9:00". UTC unless said otherwise.

use std::{ops::Range, sync::LazyLock};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use regex::{Captures, Regex};

/// "at 14:00" means this much before and after.
const AROUND: SignedDuration = SignedDuration::from_mins(15);
/// Nobody looks back further in words like these.
const BACK_MAX: i64 = 366 * 86_400;

/// One moment: a day's name, an ISO date, a clock time. Must be used with its own group names once each.
const MOMENT: &str = r"(?:(?:(today|yesterday)(?:\s+at)?\s+|(\d{4}-\d{2}-\d{2})[t ]\s*)?(\d{1,2})(?::(\d{2}))(?::\d{2})?\s*(am|pm)?(?:\s*(?:utc|z)\b)?|(?:(today|yesterday)\s+(?:at\s+)?)?(\d{1,2})\s*(am|pm)\b)";
const GROUPS: usize = 8;

/// What was found, and where in the text it stood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub places: Vec<Range<usize>>,
}

struct Patterns {
    range: Regex,
    last: Regex,
    ago: Regex,
    since: Regex,
    before: Regex,
    around: Regex,
    day: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let new = |pattern: String| Regex::new(&pattern).ok();
    Some(Patterns {
        range: new(format!(r"(?:between\s+|from\s+)?{MOMENT}\s*(?:and|to|-|–|until|till)\s*{MOMENT}"))?,
        last: new(r"\b(?:last|past)\s+(?:(\d{1,4})\s*)?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b".to_owned())?,
        ago: new(r"\b(since\s+)?(?:about\s+)?(\d{1,4})\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\s+ago\b".to_owned())?,
        since: new(format!(r"\b(?:since|after|starting(?:\s+at)?)\s+(?:about\s+)?{MOMENT}"))?,
        before: new(format!(r"\b(?:before|until|till|up\s+to)\s+{MOMENT}"))?,
        around: new(format!(r"\b(?:(?:at|around|about|near)\s+)?{MOMENT}"))?,
        day: new(r"\b(since\s+)?(yesterday|today)\b".to_owned())?,
    })
});

/// Reads the first time that the lower-case `text` names; `now` is the instant from which it counts.
pub fn read(text: &str, now: Timestamp) -> Found {
    let Some(patterns) = PATTERNS.as_ref() else { return Found::default() };
    let whole = |found: &Captures<'_>| found.get(0).map(|all| all.range()).into_iter().collect::<Vec<_>>();
    if let Some(found) = patterns.range.captures(text)
        && let Some((from, day)) = moment(&found, 1, now, None)
        && let Some((until, _)) = moment(&found, 1 + GROUPS, now, Some(day))
    {
        // 23:30 to 00:30 passes midnight.
        let until = if until < from { until + SignedDuration::from_hours(24) } else { until };
        return Found { from: Some(from), until: Some(until), places: whole(&found) };
    }
    if let Some(found) = patterns.last.captures(text)
        && let Some(back) = length(found.get(1).map_or("1", |number| number.as_str()), found.get(2).map_or("", |unit| unit.as_str()))
    {
        return Found { from: Some(now - back), until: Some(now), places: whole(&found) };
    }
    if let Some(found) = patterns.ago.captures(text)
        && let (Some(number), Some(unit)) = (found.get(2), found.get(3))
        && let Some(back) = length(number.as_str(), unit.as_str())
    {
        let at = now - back;
        let (from, until) = if found.get(1).is_some() { (at, now) } else { (at - AROUND, at + AROUND) };
        return Found { from: Some(from), until: Some(until), places: whole(&found) };
    }
    if let Some(found) = patterns.since.captures(text)
        && let Some((from, _)) = moment(&found, 1, now, None)
    {
        return Found { from: Some(from), until: None, places: whole(&found) };
    }
    if let Some(found) = patterns.before.captures(text)
        && let Some((until, _)) = moment(&found, 1, now, None)
    {
        return Found { from: None, until: Some(until), places: whole(&found) };
    }
    if let Some(found) = patterns.around.captures(text)
        && let Some((at, _)) = moment(&found, 1, now, None)
    {
        return Found { from: Some(at - AROUND), until: Some(at + AROUND), places: whole(&found) };
    }
    if let Some(found) = patterns.day.captures(text)
        && let Some(begin) = midnight(today(now, found.get(2).is_some_and(|word| word.as_str() == "yesterday")))
    {
        let until = found.get(1).is_none().then(|| begin + SignedDuration::from_hours(24)).filter(|end| *end < now);
        return Found { from: Some(begin), until, places: whole(&found) };
    }
    Found::default()
}

fn length(number: &str, unit: &str) -> Option<SignedDuration> {
    let seconds = match unit.chars().next()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let total = number.parse::<i64>().ok()?.checked_mul(seconds)?;
    (total > 0 && total <= BACK_MAX).then(|| SignedDuration::from_secs(total))
}

/// The moment whose groups begin at `first`, with its day; without a day of its own it is on `day`, or else the latest one before `now`.
fn moment(found: &Captures<'_>, first: usize, now: Timestamp, day: Option<civil::Date>) -> Option<(Timestamp, civil::Date)> {
    let group = |at: usize| found.get(first + at).map(|group| group.as_str());
    let hour: i8 = group(2).or(group(6))?.parse().ok()?;
    let minute: i8 = group(3).unwrap_or("0").parse().ok()?;
    let hour = match group(4).or(group(7)) {
        Some("pm") if hour < 12 => hour + 12,
        Some("am") if hour == 12 => 0,
        _ => hour,
    };
    let named = group(0).or(group(5)).map(|word| today(now, word == "yesterday"));
    // Nobody has evidence from other centuries, and a time near the end of all time could not be counted from.
    let dated = group(1).and_then(|date| date.parse::<civil::Date>().ok()).filter(|date| (1970..2200).contains(&date.year()));
    let date = dated.or(named).or(day);
    let time = civil::Time::new(hour, minute, 0, 0).ok()?;
    let on = |date: civil::Date| date.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    match date {
        Some(date) => Some((on(date)?, date)),
        // A clock time later than now is yesterday's.
        None => {
            let today = today(now, false);
            let at = on(today)?;
            if at <= now { Some((at, today)) } else { today.yesterday().ok().and_then(|date| Some((on(date)?, date))) }
        }
    }
}

fn today(now: Timestamp, yesterday: bool) -> civil::Date {
    let today = now.to_zoned(TimeZone::UTC).date();
    if yesterday { today.yesterday().unwrap_or(today) } else { today }
}

fn midnight(date: civil::Date) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, from: &str, until: &str) {
        let now: Timestamp = "2026-01-15T14:30:00Z".parse().unwrap();
        let found = read(text, now);
        let shown = |at: Option<Timestamp>| at.map_or(String::new(), |at| at.strftime("%d %H:%M").to_string());
        assert_eq!((shown(found.from), shown(found.until)), (from.to_owned(), until.to_owned()), "{text}");
    }

    #[test]
    fn people_say_times_in_many_ways() {
        check("errors in the last 30 min", "15 14:00", "15 14:30");
        check("past 2 hours please", "15 12:30", "15 14:30");
        check("last hour", "15 13:30", "15 14:30");
        check("why is checkout slow since 14:00?", "15 14:00", "");
        check("since 18:00", "14 18:00", "");
        check("since 2pm", "15 14:00", "");
        check("between 13:00 and 14:00", "15 13:00", "15 14:00");
        check("only errors of api 13:40 to 14:10", "15 13:40", "15 14:10");
        check("13:40-14:10 utc", "15 13:40", "15 14:10");
        check("yesterday 9:00 to 10:30", "14 09:00", "14 10:30");
        check("yesterday 23:30 to 00:30", "14 23:30", "15 00:30");
        check("yesterday 9:00", "14 08:45", "14 09:15");
        check("before 14:00", "", "15 14:00");
        check("at 2026-01-14 10:00", "14 09:45", "14 10:15");
        check("what happened 20 minutes ago", "15 13:55", "15 14:25");
        check("since 2 hours ago", "15 12:30", "15 14:30");
        check("since yesterday", "14 00:00", "");
        check("yesterday", "14 00:00", "15 00:00");
        check("today", "15 00:00", "");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["the last two deploys", "port 8080", "99:99", "checkout-7f5b9c4d68", "version 1.2", "since the deploy", "last 99999 h", ""]
        {
            check(text, "", "");
        }
    }
}
