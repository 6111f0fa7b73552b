//! One file per sender whose JSON needs more than synonyms; each answers `None` for a body that is not its own.

mod alertmanager;
mod aws;
mod azure;
mod chat;
mod checks;
mod datadog;
mod gcp;
mod grafana;
mod kubernetes;
mod newrelic;
mod opsgenie;
mod pagerduty;
mod sentry;
mod victorops;
mod zabbix;

use serde_json::Value;

use super::Recognised;
use crate::model::Alert;

/// A sender's reader: the body, and its text for `raw`.
type Reader = fn(&Value, &str) -> Option<Recognised>;

/// The first that recognises a body reads it, so the order is from the unmistakable to the vague.
pub(super) const READERS: &[(&str, Reader)] = &[
    ("aws", aws::read),
    ("cloudwatch", aws::read),
    ("pagerduty", pagerduty::read),
    ("opsgenie", opsgenie::read),
    ("victorops", victorops::read),
    ("sentry", sentry::read),
    ("azure", azure::read),
    ("gcp", gcp::read),
    ("stackdriver", gcp::read),
    ("grafana", grafana::read),
    ("alertmanager", alertmanager::read),
    ("prometheus", alertmanager::read),
    ("newrelic", newrelic::read),
    ("datadog", datadog::read),
    ("zabbix", zabbix::read),
    ("kubernetes", kubernetes::read),
    ("discord", chat::read),
    ("teams", chat::read),
    ("checks", checks::read),
];

fn one(alert: Alert) -> Option<Recognised> {
    Some(Recognised::Alerts(vec![alert]))
}

fn none(reason: &str) -> Option<Recognised> {
    Some(Recognised::NotAnAlert { reason: reason.to_owned() })
}
