//! A silence: no messages about what matches, until it ends.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{alert::Alert, ids::IncidentId};

/// One condition of a silence; an alert matches when all of them hold. Alertmanager's own form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// A label's name, or one of the alert's own fields: `alertname`, `service`, `namespace`, `cluster`, `resource`, `severity`.
    pub name: String,
    pub value: String,
}

/// Where else a silence was set, so that it can be ended there too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// `alertmanager` or `grafana`.
    pub system: String,
    /// Its id there.
    pub id: String,
}

/// A silence as it is stored, under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// `SIL-7F3K…`, unique.
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// A Slack user id.
    pub by: String,
    pub reason: String,
    /// The incident that it was asked for.
    pub incident: IncidentId,
    pub pushed: Vec<Pushed>,
    /// It was ended before its time, at this instant.
    pub ended: Option<Timestamp>,
    /// How many alerts it has kept quiet.
    pub kept_quiet: u64,
}

impl Silence {
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.from <= now && now < self.until
    }

    /// Whether it is about this alert. A silence without matchers is about nothing.
    pub fn matches(&self, alert: &Alert) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|matcher| matcher.holds(alert))
    }
}

impl Matcher {
    pub fn holds(&self, alert: &Alert) -> bool {
        let own = match self.name.as_str() {
            "alertname" => Some(alert.name.as_str()),
            "service" => Some(alert.service.as_str()),
            "namespace" => Some(alert.namespace.as_str()),
            "cluster" => Some(alert.cluster.as_str()),
            "resource" => Some(alert.resource.as_str()),
            "severity" => alert.severity_source.as_deref(),
            _ => None,
        };
        own == Some(self.value.as_str()) || alert.labels.get(&self.name) == Some(&self.value)
    }
}

/// The longest silence: longer ones are forgotten, and belong into the alert's own rule.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A shorter one ends before anybody has read that it began.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
/// When "tomorrow" begins: people are back at work.
const MORNING: (i8, i8) = (9, 0);
/// Labels that say how an alert goes, not which one it is; a silence on them would end with the next change of mind.
const PASSING: &[&str] =
    &["severity", "priority", "level", "status", "state", "value", "dedup_key", "prometheus", "replica", "prometheus_replica"];

/// What a silence covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This very alert, at whatever severity.
    Alert,
    /// Every alert of its service.
    Service,
    /// Alerts of this name, wherever they come from.
    Name,
}

impl Scope {
    /// The word in forms and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Service => "service",
            Self::Name => "name",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Alert, Self::Service, Self::Name].into_iter().find(|scope| scope.as_str() == word)
    }

    /// What an alert must have to be covered; empty when this alert does not say what that is (no service).
    pub fn matchers(self, alert: &Alert) -> Vec<Matcher> {
        let of = |name: &str, value: &str| Matcher { name: name.to_owned(), value: value.to_owned() };
        let filled = |name: &str, value: &str| (!value.is_empty()).then(|| of(name, value));
        match self {
            Self::Name => filled("alertname", &alert.name).into_iter().collect(),
            Self::Service => filled("service", &alert.service).into_iter().collect(),
            Self::Alert => {
                let mut all: Vec<Matcher> = filled("alertname", &alert.name).into_iter().collect();
                let labels = alert
                    .labels
                    .iter()
                    .filter(|(name, value)| !value.is_empty() && !PASSING.contains(&name.as_str()) && name.as_str() != "alertname");
                all.extend(labels.map(|(name, value)| of(name, value)));
                if all.len() < 2 {
                    let fields = [
                        ("service", &alert.service),
                        ("namespace", &alert.namespace),
                        ("cluster", &alert.cluster),
                        ("resource", &alert.resource),
                    ];
                    all.extend(fields.into_iter().filter_map(|(name, value)| filled(name, value)));
                }
                all
            }
        }
    }
}

/// Why a length of time cannot be taken. Written for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    #[error("Write a length such as 45m, 1h30m or 2d, or a time such as until 17:00.")]
    Unreadable,
    #[error("The shortest silence is a minute.")]
    TooShort,
    #[error("The longest silence is 30 days.")]
    TooLong,
}

/// The end of a silence that begins `now`, in a person's words: `45m`, `1h30m`, `2 days`, `until 17:00`, `tomorrow`,
/// `until tomorrow 8:30`. Times of day are those of `zone`.
///
/// # Errors
/// When the words are no length of time, or one that is too short or too long.
pub fn silence_until(words: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, SilenceError> {
    let words = words.trim().to_lowercase();
    let words = words.strip_prefix("for ").unwrap_or(&words).trim();
    let end = match instant(words, now, zone) {
        Some(end) => end,
        None => now.checked_add(length(words).ok_or(SilenceError::Unreadable)?).map_err(|_| SilenceError::TooLong)?,
    };
    match end.duration_since(now) {
        wait if wait < SHORTEST => Err(SilenceError::TooShort),
        wait if wait > LONGEST => Err(SilenceError::TooLong),
        _ => Ok(end),
    }
}

/// `until 17:00`, `17:00`, `tomorrow`, `until tomorrow 8:30`.
fn instant(words: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let words = words.strip_prefix("until ").unwrap_or(words).trim();
    let here = now.to_zoned(zone.clone());
    if let Some(rest) = words.strip_prefix("tomorrow") {
        let rest = rest.trim();
        let rest = rest.strip_prefix("at ").unwrap_or(rest);
        let time = if rest.is_empty() { Time::new(MORNING.0, MORNING.1, 0, 0).ok()? } else { time_of_day(rest)? };
        return Some(here.date().tomorrow().ok()?.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
    }
    let time = time_of_day(words)?;
    let today = here.date().to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
    if today > now {
        return Some(today);
    }
    Some(here.date().tomorrow().ok()?.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

fn time_of_day(words: &str) -> Option<Time> {
    let (hour, minute) = words.split_once(':')?;
    Time::new(hour.trim().parse().ok()?, minute.trim().parse().ok()?, 0, 0).ok()
}

/// `45m`, `1h30m`, `1 h 30 min`, `2 days`.
fn length(words: &str) -> Option<SignedDuration> {
    let mut rest = words.trim();
    let mut seconds = 0i64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let unit = match rest.get(..letters)? {
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(letters..)?.trim_start();
    }
    (!words.trim().is_empty()).then(|| SignedDuration::from_secs(seconds))
}
