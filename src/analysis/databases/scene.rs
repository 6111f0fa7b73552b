//! Everything that concerns one alerted database: its metrics, its load, its events; other instances stay outside.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    events::{self, Happening, Kind},
    load::{Load, Wait},
    metric::{Metric, Reading},
    sessions::Sessions,
};
use crate::{
    analysis::{Focus, Seen},
    model::{Entity, EvidenceKind, observation::Observations},
};

/// An event this long before the window belongs to another story. Source: alarms of 1-minute periods fire within 15 minutes.
const BEFORE_MINUTES: i64 = 30;
/// How long before the alert an incident may have begun; longer windows of metrics are history. Source: own choice.
const WINDOW_MINUTES: i64 = 120;
/// Views that only a database has.
const VIEWS: &[&str] =
    &["pg_stat_activity", "blocked_sessions", "pg_replication_slots", "show_replica_status", "pg_stat_statements", "innodb_status"];
/// How many databases are looked at where nothing says which is meant.
const SCENES: usize = 20;

/// One database with its replicas.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    pub name: String,
    /// The database and its replicas, by every name that the evidence has for them.
    pub members: BTreeSet<String>,
    pub replicas: BTreeSet<String>,
    pub readings: Vec<Reading<'a>>,
    pub load: Load,
    /// The load of its replicas, where somebody looked at it.
    pub replica_load: Load,
    pub events: Vec<Happening<'a>>,
    pub sessions: Sessions,
    /// The alert's own words, lower case.
    pub asked: String,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl<'a> Scene<'a> {
    /// The databases that the focus means, or all where it names none of them.
    pub fn all(observations: &'a Observations, focus: &Focus) -> Vec<Self> {
        let names = names(observations);
        let labelled: Vec<&str> =
            focus.entities.iter().map(|entity| entity.name.as_str()).chain(focus.words.iter().map(String::as_str)).collect();
        let meant: BTreeSet<&str> = names.iter().copied().filter(|name| labelled.iter().any(|word| same_family(name, word))).collect();
        if meant.is_empty() && !labelled.is_empty() && focus.entities.iter().any(|entity| entity.kind == "Database") {
            return Vec::new();
        }
        if !meant.is_empty() {
            return vec![Self::of(&meant, observations, focus)];
        }
        // The server's own views alone, without a name in them: they were collected for the subject.
        if names.is_empty() && observations.documents.iter().any(|document| VIEWS.contains(&document.kind.as_str())) {
            let subject = labelled.first().copied().unwrap_or("the database");
            return vec![Self::of(&BTreeSet::from([subject]), observations, focus)];
        }
        let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for name in &names {
            let root = names.iter().copied().filter(|other| same_family(name, other)).min_by_key(|other| other.len()).unwrap_or(name);
            families.entry(root).or_default().insert(name);
        }
        families.values().take(SCENES).map(|family| Self::of(family, observations, focus)).collect()
    }

    fn of(family: &BTreeSet<&str>, observations: &'a Observations, focus: &Focus) -> Self {
        let readings: Vec<Reading<'a>> =
            observations.metrics.iter().filter(|series| family.contains(series.entity.name.as_str())).filter_map(Reading::of).collect();
        let lagging = |name: &&str| {
            let lags = readings.iter().any(|reading| reading.instance == *name && reading.metric == Metric::ReplicaLag);
            let writes = readings.iter().any(|reading| reading.instance == *name && reading.metric == Metric::WalRate);
            let lower = name.to_lowercase();
            lags && !writes || ["replica", "reader", "-ro", "standby", "secondary"].iter().any(|word| lower.contains(word))
        };
        let replicas: BTreeSet<String> =
            family.iter().filter(|name| family.len() > 1 && lagging(name)).map(|name| (*name).to_owned()).collect();
        let primaries = family.iter().filter(|name| !replicas.contains(**name));
        let name = primaries.min_by_key(|name| name.len()).or_else(|| family.first()).map_or(String::new(), |name| (*name).to_owned());
        let (from, until) = (readings.iter().map(|reading| reading.from).min(), readings.iter().map(|reading| reading.until).max());

        let (mut load, mut replica_load) = (Load::default(), Load::default());
        for document in observations.documents.iter().filter(|document| document.kind == "performance_insights") {
            let instance = document.body.get("instance").and_then(Value::as_str).unwrap_or_default();
            if instance.is_empty() || instance == name {
                load = Load::of_insights(document);
            } else if family.contains(instance) {
                replica_load = Load::of_insights(document);
            }
        }
        if load.statements.is_empty() {
            let statements = observations.documents.iter().find(|document| document.kind == "pg_stat_statements");
            load = statements.map(Load::of_statements).unwrap_or(load);
        }
        let mut events: Vec<Happening<'a>> = Vec::new();
        for stream in &observations.logs {
            events.extend(
                stream
                    .lines
                    .iter()
                    .filter(|line| family.contains(line.service.as_str()) || family.contains(stream.entity.name.as_str()))
                    .filter_map(|line| Happening::of(&stream.source, line)),
            );
        }
        let ago = |time: Option<Timestamp>, minutes: i64| time.and_then(|time| time.checked_sub(SignedDuration::from_mins(minutes)).ok());
        let since = ago(from.max(ago(focus.now, WINDOW_MINUTES)), BEFORE_MINUTES);
        for event in &mut events {
            event.old = matches!((event.time, since), (Some(time), Some(since)) if time < since);
        }
        events.sort_by_key(|event| event.time);
        let asked = focus.text.to_lowercase();
        let sessions = Sessions::of(&observations.documents);
        let members = family.iter().map(|name| (*name).to_owned()).collect();
        Self { name, members, replicas, readings, load, replica_load, events, sessions, asked, from, until }
    }

    /// The alerted instance's own metric; of a cluster that has none, its first member's.
    pub fn metric(&self, metric: Metric) -> Option<&Reading<'a>> {
        let own = self.readings.iter().find(|reading| reading.metric == metric && reading.instance == self.name);
        let member = || self.readings.iter().find(|reading| reading.metric == metric && !self.replicas.contains(reading.instance));
        own.or_else(member)
    }

    /// A metric of any member; of several the worst.
    pub fn worst(&self, metric: Metric) -> Option<&Reading<'a>> {
        let all = self.readings.iter().filter(|reading| reading.metric == metric);
        all.reduce(|best, other| if other.peak > best.peak { other } else { best })
    }

    /// A metric of any member; of several the lowest.
    pub fn worst_low(&self, metric: Metric) -> Option<&Reading<'a>> {
        let all = self.readings.iter().filter(|reading| reading.metric == metric);
        all.reduce(|best, other| if other.last < best.last { other } else { best })
    }

    /// Events of the incident, not older ones.
    pub fn current(&self, kinds: &'a [Kind]) -> impl Iterator<Item = &Happening<'a>> {
        self.events.iter().filter(move |event| !event.old && kinds.contains(&event.kind))
    }

    pub fn has(&self, kinds: &'a [Kind]) -> bool {
        self.current(kinds).next().is_some()
    }

    /// The alert speaks of one of these words.
    pub fn asks(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.asked.contains(word))
    }

    /// A routine check that says itself that all is well.
    pub fn is_routine(&self) -> bool {
        self.asks(&["health check", "healthcheck", "scheduled check", "routine", "within normal", "all metrics within", "verification"])
    }

    /// The newest of these kinds came after the newest of those.
    pub fn ended(&self, kinds: &'a [Kind], by: &'a [Kind]) -> bool {
        let newest = |kinds: &'a [Kind]| self.current(kinds).filter_map(|event| event.time).max();
        matches!((newest(kinds), newest(by)), (Some(began), Some(ended)) if ended >= began)
    }

    pub fn entity(&self) -> Entity {
        Entity::new("Service", "", &self.name)
    }

    /// A metric as evidence.
    pub fn cite(&self, reading: &Reading<'_>, says: &str) -> Seen {
        let text = format!("CloudWatch {} of {}: {}{says}", reading.series.metric, reading.instance, reading.told());
        Seen::new(EvidenceKind::MetricAnomaly, &reading.series.source, Entity::new("Service", "", reading.instance), text)
            .at(reading.onset().or(Some(reading.from)), Some(reading.until))
    }

    /// An event as evidence.
    pub fn quote(&self, event: &Happening<'_>) -> Seen {
        let who = if event.instance.is_empty() { self.name.as_str() } else { event.instance };
        Seen::new(EvidenceKind::Event, event.source, Entity::new("Service", "", who), format!("event of {who}: \"{}\"", event.shown()))
            .at(event.time, None)
            .quoting(event.text)
            .decisive()
    }

    /// What somebody saw in the server's own statistics.
    pub fn database(&self, source: &str, text: String) -> Seen {
        Seen::new(EvidenceKind::Database, source, self.entity(), text).at(self.from, self.until)
    }

    /// A statement with its share of the load, as Performance Insights has it.
    pub fn statement(&self, statement: &super::load::Statement) -> Seen {
        let total = self.load.total();
        let share = if total > 0.0 { format!(" ({:.0} % of the database load)", 100.0 * statement.load / total) } else { String::new() };
        let insights = self.load.label == "Performance Insights";
        let calls = statement.calls.map_or(String::new(), |calls| format!(", {calls} calls{}", if insights { "/s" } else { "" }));
        let waits = if statement.waits.is_empty() { String::new() } else { format!(", waits {}", statement.waits_told()) };
        let text = format!(
            "{} top SQL of {}: {}{}: load {:.1}{share}{calls}{waits}",
            self.load.label,
            self.name,
            statement.shown(),
            statement.by(),
            statement.load
        );
        self.database(&self.load.source, text).quoting(&statement.text)
    }

    /// The waits that carry the load.
    pub fn waits(&self) -> Option<Seen> {
        let listed: Vec<String> = self.load.waits.iter().take(5).map(|(name, load)| format!("{name} {load:.1}")).collect();
        let text = format!("Performance Insights top wait events of {}: {}", self.name, listed.join(", "));
        (!listed.is_empty()).then(|| self.database(&self.load.source, text))
    }

    /// The database is busy waiting for this: at least `share` of its load.
    pub fn waits_for(&self, wait: Wait, share: f64) -> bool {
        self.load.share(wait) >= share
    }
}

/// Every name that has metrics of a database, or Performance Insights, or events of one.
fn names(observations: &Observations) -> BTreeSet<&str> {
    let metrics = observations
        .metrics
        .iter()
        .filter(|series| super::metric::metric(&series.metric).is_some_and(Metric::is_of_databases))
        .map(|series| series.entity.name.as_str());
    let insights = observations
        .documents
        .iter()
        .filter(|document| document.kind == "performance_insights")
        .filter_map(|document| document.body.get("instance").and_then(Value::as_str));
    let mut names: BTreeSet<&str> = metrics.chain(insights).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return names;
    }
    let lines = || observations.logs.iter().flat_map(|stream| &stream.lines);
    let services: BTreeSet<&str> = lines().map(|line| line.service.as_str()).collect();
    let related: BTreeSet<&str> = services.into_iter().filter(|service| names.iter().any(|name| same_family(service, name))).collect();
    let tells = |service: &str| lines().any(|line| line.service == service && events::kind_of(&line.text).is_some());
    let reported: Vec<&str> = related.into_iter().filter(|service| names.contains(service) || tells(service)).collect();
    names.extend(reported);
    names
}

/// One is the other, or is called after it: `orders-prod` and `orders-prod-replica-1`.
fn same_family(a: &str, b: &str) -> bool {
    let after = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '_']));
    !a.is_empty() && !b.is_empty() && (after(a, b) || after(b, a))
}
