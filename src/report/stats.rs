//! How many incidents, how fast, and how often the reported cause was right.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use crate::model::{Incident, Message, Part, Text, Verdict};

use super::words::{count, duration, seconds_between, short};

const ROWS_MAX: usize = 8;

/// What the figures are made of.
pub struct Figures {
    /// To the first report, to the acknowledgement, to the end; in the middle case.
    pub median_seconds: [Option<f64>; 3],
    pub verdicts: BTreeMap<Verdict, usize>,
    /// The newest first, a few.
    pub weeks: Vec<Week>,
    /// Incidents by service, the most first, a few.
    pub services: Vec<(String, u64)>,
    /// Alerts by name, the most first, a few.
    pub alerts: Vec<(String, u64)>,
}

/// One week's figures.
pub struct Week {
    pub monday: Date,
    pub incidents: usize,
    pub alerts: u64,
    /// The service with the most incidents, and how many.
    pub most: Option<(String, usize)>,
}

/// Counts.
pub fn figures(incidents: &[Incident]) -> Figures {
    let took = |end: fn(&Incident) -> Option<Timestamp>| {
        median(incidents.iter().filter_map(|incident| end(incident).map(|at| seconds_between(incident.opened_at, at))).collect())
    };
    Figures {
        median_seconds: [
            took(|incident| incident.reported_at),
            took(|incident| incident.acknowledged_at),
            took(|incident| incident.resolved_at),
        ],
        verdicts: verdicts(incidents),
        weeks: weeks(incidents),
        services: ranked(incidents, |incident| (incident.service.clone(), 1)),
        alerts: ranked(incidents, |incident| (incident.alert.name.clone(), incident.alert_count)),
    }
}

/// Figures of the incidents that were opened since `since`. `cut` says that there were more than could be read.
pub fn stats(incidents: &[Incident], since: Timestamp, cut: bool) -> Message {
    let from = since.strftime("%-d %b");
    let headline = format!("{} since {from}", count(incidents.len() as u64, "incident"));
    if incidents.is_empty() {
        return super::help::sentence(&format!("There are no incidents since {from}."));
    }
    let mut parts = vec![Part::Section(Text::new().bold(headline.clone()))];
    let figures = figures(incidents);
    let [first_report, acknowledged, resolved] = figures.median_seconds;
    let times = [("first report", first_report), ("acknowledged", acknowledged), ("resolved", resolved)];
    let shown: Vec<String> =
        times.into_iter().map(|(name, time)| format!("{name} {}", time.map_or_else(|| "–".to_owned(), duration))).collect();
    parts.push(Part::Section(Text::new().bold("Median time to").plain(format!("  {}", shown.join("  ·  ")))));
    parts.push(Part::Section(feedback(&figures.verdicts)));
    parts.push(Part::Table {
        header: ["Week from", "Incidents", "Alerts", "Most of"].map(str::to_owned).to_vec(),
        rows: figures.weeks.iter().map(row).collect(),
    });
    parts.push(Part::Section(ranking("By service", &figures.services)));
    parts.push(Part::Section(ranking("Most frequent alerts", &figures.alerts)));
    if cut {
        parts.push(Part::Context(Text::new().plain(format!("only the newest {} were counted", incidents.len()))));
    }
    Message { text: headline, parts }
}

/// The middle value; the mean of the two middle ones where there are two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(upper);
    Some((upper + lower) / 2.0)
}

/// What people said about reported causes. One person can change their mind: the last word of each counts.
fn verdicts(incidents: &[Incident]) -> BTreeMap<Verdict, usize> {
    let mut last: BTreeMap<(u64, &str), Verdict> = BTreeMap::new();
    for incident in incidents {
        for said in &incident.feedback {
            last.insert((incident.id.0, &said.by), said.verdict);
        }
    }
    let mut counts = BTreeMap::new();
    for verdict in last.into_values() {
        *counts.entry(verdict).or_default() += 1;
    }
    counts
}

fn feedback(verdicts: &BTreeMap<Verdict, usize>) -> Text {
    let text = Text::new().bold("Reported causes");
    let total: usize = verdicts.values().sum();
    if total == 0 {
        return text.plain("  nobody has judged one yet");
    }
    let rate = |verdict: Verdict| {
        let number = verdicts.get(&verdict).copied().unwrap_or(0);
        format!("{} {number} ({:.0} %)", verdict.as_str(), 100.0 * number as f64 / total as f64)
    };
    text.plain(format!("  {}", [Verdict::Correct, Verdict::OneHopShort, Verdict::Wrong].map(rate).join("  ·  ")))
}

/// Weeks begin on Monday, in UTC; the newest first.
fn weeks(incidents: &[Incident]) -> Vec<Week> {
    let mut weeks: BTreeMap<Date, Vec<&Incident>> = BTreeMap::new();
    for incident in incidents {
        let day = incident.opened_at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let back = i64::from(day.weekday().to_monday_zero_offset());
        let monday = day.checked_sub(jiff::SignedDuration::from_hours(24 * back)).unwrap_or(day);
        weeks.entry(monday).or_default().push(incident);
    }
    weeks
        .into_iter()
        .rev()
        .take(ROWS_MAX)
        .map(|(monday, incidents)| {
            let mut services: BTreeMap<&str, usize> = BTreeMap::new();
            for incident in incidents.iter().filter(|incident| !incident.service.is_empty()) {
                *services.entry(&incident.service).or_default() += 1;
            }
            let most = services.into_iter().max_by_key(|(_, number)| *number).map(|(service, number)| (service.to_owned(), number));
            Week { monday, incidents: incidents.len(), alerts: incidents.iter().map(|incident| incident.alert_count).sum(), most }
        })
        .collect()
}

fn row(week: &Week) -> Vec<String> {
    let most = week.most.as_ref().map_or(String::new(), |(service, number)| format!("{} ({number})", short(service, 40)));
    vec![week.monday.strftime("%-d %b").to_string(), week.incidents.to_string(), week.alerts.to_string(), most]
}

fn ranked(incidents: &[Incident], of: impl Fn(&Incident) -> (String, u64)) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (name, number) in incidents.iter().map(of).filter(|(name, _)| !name.is_empty()) {
        *counts.entry(name).or_default() += number;
    }
    let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(ROWS_MAX);
    ranked
}

fn ranking(title: &str, ranked: &[(String, u64)]) -> Text {
    let shown: Vec<String> = ranked.iter().map(|(name, number)| format!("{} {number}", short(name, 60))).collect();
    Text::new().bold(title).plain(if shown.is_empty() { "  –".to_owned() } else { format!("  {}", shown.join("  ·  ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
