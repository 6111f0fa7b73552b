//! An alert in the making: what a sender's reader has found, before bounds and derived facts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{fingerprint::fingerprint, prose, words, workload};
use crate::model::{Alert, AlertStatus, Link, Severity};

const MAX_NAME: usize = 300;
const MAX_WORD: usize = 500;
const MAX_SUMMARY: usize = 1_000;
const MAX_DESCRIPTION: usize = 4_000;
const MAX_LABELS: usize = 64;
const MAX_LABEL: usize = 4 << 10;
const MAX_LINKS: usize = 20;
const MAX_RAW: usize = 16 << 10;

/// What a reader found; empty means "the sender does not say".
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) source: String,
    pub(super) name: String,
    pub(super) status: Option<AlertStatus>,
    /// The sender's word, untouched.
    pub(super) severity_word: String,
    /// Where the sender's word is a number on a scale of its own.
    pub(super) severity: Option<Severity>,
    pub(super) service: String,
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) cluster: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) starts_at: Option<Timestamp>,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) links: Vec<Link>,
    pub(super) count: u32,
}

impl Draft {
    pub(super) fn new(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }

    pub(super) fn link(&mut self, title: &str, url: &str) {
        let known = self.links.iter().any(|link| link.url == url);
        if !known && (url.starts_with("https://") || url.starts_with("http://")) {
            self.links.push(Link { title: title.to_owned(), url: url.to_owned() });
        }
    }

    /// A label that the sender gave in some other form; never replaces one.
    pub(super) fn label(&mut self, key: &str, value: &str) {
        let value = value.trim();
        if !value.is_empty() && !key.is_empty() {
            self.labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
    }

    /// The sender's own id of the problem, where it has one that stays from firing to resolved.
    pub(super) fn dedup(&mut self, key: &str) {
        self.label("dedup_key", key);
    }

    /// Bounds everything, derives what labels and text say, and hashes the identity.
    pub(super) fn finish(mut self, raw: &str) -> Alert {
        let labels = bounded(self.labels);
        let known = workload::Known::new(&labels);
        let said =
            prose::read(&format!("{}\n{}\n{}", self.name, cut(&self.summary, MAX_DESCRIPTION), cut(&self.description, MAX_DESCRIPTION)));
        let first = |stated: &str, derived: String, said: &str| match (stated.trim(), derived.as_str()) {
            ("", "") => said.to_owned(),
            ("", _) => derived,
            (stated, _) => stated.to_owned(),
        };
        let stated_service = if words::is_exporter(&self.service) { "" } else { self.service.as_str() };
        let service = first(stated_service, workload::service(&known), &said.service);
        let resource = match first(&self.resource, workload::resource(&known), &said.resource) {
            nothing if nothing.is_empty() => workload::vague_resource(&known),
            resource => resource,
        };
        let namespace = first(&self.namespace, workload::namespace(&known), &said.namespace);
        let cluster = first(&self.cluster, workload::cluster(&known), "");
        let severity = self.severity.or_else(|| Severity::from_word(&self.severity_word)).unwrap_or_default();
        let name = [&self.name, &self.summary, &self.description].into_iter().find(|name| !name.trim().is_empty());
        let name = one_line(name.map_or("", |name| name));
        self.links.truncate(MAX_LINKS);
        for link in &mut self.links {
            link.title = cut(&one_line(&link.title), MAX_NAME);
            link.url = cut(&link.url, MAX_LABEL);
        }
        let mut alert = Alert {
            source: self.source,
            name: cut(&name, MAX_NAME),
            service: cut(&one_line(&service), MAX_WORD),
            resource: cut(&one_line(&resource), MAX_WORD),
            namespace: cut(&one_line(&namespace), MAX_WORD),
            cluster: cut(&one_line(&cluster), MAX_WORD),
            severity,
            severity_source: Some(cut(&one_line(&self.severity_word), MAX_WORD)).filter(|word| !word.is_empty()),
            priority: severity.priority(),
            status: self.status.unwrap_or_default(),
            alert_count: self.count.max(1),
            labels,
            summary: cut(self.summary.trim(), MAX_SUMMARY),
            description: cut(self.description.trim(), MAX_DESCRIPTION),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            links: self.links,
            raw: cut(raw, MAX_RAW),
            ..Alert::default()
        };
        alert.fingerprint = fingerprint(&alert);
        alert
    }
}

fn bounded(labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().map(|(key, value)| (cut(&key, MAX_WORD), cut(&value, MAX_LABEL))).take(MAX_LABELS).collect()
}

/// At most `max` bytes, on a character's border.
pub(super) fn cut(text: &str, max: usize) -> String {
    let end = (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or("").to_owned()
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("").to_owned()
}
