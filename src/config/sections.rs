//! The sections that belong to one room each, read into that room's own settings.

use std::collections::BTreeMap;

use crate::{
    inbound::{self, Webhook},
    model::{Act, Priority, is_slack_people},
    notify::{self, Target},
    pipeline::{self, Mentions},
};

use super::reader::Reader;

/// `slack.rights`, `slack.mentions`, `grouping`, `storm`, `heartbeats`, `escalation`, `pipeline`.
pub fn pipeline(reader: &mut Reader<'_>, channel: &str) -> pipeline::Settings {
    pipeline::Settings {
        channel: channel.to_owned(),
        workers: reader.number("pipeline.workers", 4, 1, 64),
        window: reader.duration("grouping.window", "10m"),
        cooldown: reader.duration("grouping.cooldown", "3h"),
        flapping: reader.number("grouping.flapping", 3, 2, 100),
        storm_above: reader.number("storm.alerts_per_minute", 30, 2, 100_000),
        storm_below: reader.number("storm.calm_per_minute", 10, 1, 100_000),
        heartbeat_least: reader.duration("heartbeats.least", "1m"),
        heartbeat_most: reader.duration("heartbeats.most", "1h"),
        rights: rights(reader),
        mentions: mentions(reader),
        groups: named(reader, "escalation.groups"),
        ..pipeline::Settings::default()
    }
}

fn rights(reader: &mut Reader<'_>) -> BTreeMap<String, Vec<String>> {
    let mut rights = BTreeMap::new();
    for act in reader.names("slack.rights") {
        let key = format!("slack.rights.{act}");
        let who = reader.list(&key);
        reader.check(&key, Act::NAMES.contains(&act.as_str()), &format!("to be one of {}", Act::NAMES.join(", ")));
        reader.check(&key, who.iter().all(|id| is_slack_people(id)), "user ids (U…) and user group ids (S…)");
        rights.insert(act, who);
    }
    rights
}

fn mentions(reader: &mut Reader<'_>) -> Mentions {
    let mut who = BTreeMap::new();
    for (name, priority) in [("P0", Priority::P0), ("P1", Priority::P1), ("P2", Priority::P2), ("P3", Priority::P3)] {
        let key = format!("slack.mentions.{name}");
        let list = reader.list(&key);
        reader.check(&key, list.iter().all(|id| is_slack_people(id)), "user ids (U…) and user group ids (S…)");
        who.insert(priority, list);
    }
    let quiet = reader.text("slack.mentions.quiet_hours", "");
    let hours = hours(&quiet);
    reader.check("slack.mentions.quiet_hours", quiet.is_empty() || hours.is_some(), "hours such as 22:00-07:00, or empty");
    let zone = reader.text("slack.mentions.timezone", "UTC");
    let timezone = jiff::tz::TimeZone::get(&zone);
    reader.check("slack.mentions.timezone", timezone.is_ok(), "a name of the time zone database, like Europe/Berlin");
    Mentions { who, quiet: hours, timezone: timezone.unwrap_or(jiff::tz::TimeZone::UTC) }
}

fn hours(text: &str) -> Option<(jiff::civil::Time, jiff::civil::Time)> {
    let (from, to) = text.split_once('-')?;
    Some((jiff::civil::Time::strptime("%H:%M", from.trim()).ok()?, jiff::civil::Time::strptime("%H:%M", to.trim()).ok()?))
}

/// A section whose names the user gives.
fn named(reader: &mut Reader<'_>, section: &str) -> BTreeMap<String, String> {
    let names = reader.names(section);
    names.into_iter().map(|name| (name.clone(), reader.text(&format!("{section}.{name}"), ""))).collect()
}

/// `webhooks` and what else the doors need.
pub fn inbound(reader: &mut Reader<'_>) -> inbound::Config {
    let mut webhooks = BTreeMap::new();
    for name in reader.names("webhooks") {
        let section = format!("webhooks.{name}");
        reader.check(&section, inbound::WEBHOOKS.contains(&name.as_str()), &format!("to be one of {}", inbound::WEBHOOKS.join(", ")));
        let token = reader.secret(&format!("{section}.token"));
        let secret = reader.secret(&format!("{section}.secret"));
        reader.check(&section, token.is_some() || secret.is_some(), "a `token` or a `secret`, so that nobody else can send alerts");
        let map = if name == "generic" { named(reader, "webhooks.generic.map") } else { BTreeMap::new() };
        reader.check("webhooks.generic.map", map.values().all(|pointer| pointer.starts_with('/')), "JSON Pointers, like /check/name");
        let known = |field: &String| inbound::alerts::MAP_FIELDS.contains(&field.as_str()) || field.starts_with("labels.");
        reader.check(
            "webhooks.generic.map",
            map.keys().all(known),
            &format!("the fields {} or labels.<name>", inbound::alerts::MAP_FIELDS.join(", ")),
        );
        webhooks.insert(name, Webhook { token, secret, map });
    }
    let oncall_group = reader.text("escalation.oncall_group", "");
    inbound::Config { webhooks, emoji: reader.text("slack.emoji", "mag"), oncall_group, ..inbound::Config::default() }
}

/// `silences` and `escalation`'s addresses.
pub fn notify(reader: &mut Reader<'_>) -> notify::Config {
    let mut target = |name: &str| {
        let key = format!("silences.{name}.url");
        let url = reader.text(&key, "");
        reader.check(&key, url.is_empty() || is_http(&url), "an http(s) address, or empty");
        let token = reader.secret(&format!("silences.{name}.token"));
        (!url.is_empty()).then(|| Target { url: url.trim_end_matches('/').to_owned(), token })
    };
    let (alertmanager, grafana) = (target("alertmanager"), target("grafana"));
    let pagerduty_key = reader.secret("escalation.pagerduty_key");
    let pagerduty_url = reader.text("escalation.pagerduty_url", "https://events.pagerduty.com");
    reader.check("escalation.pagerduty_url", is_http(&pagerduty_url), "an http(s) address");
    notify::Config { alertmanager, grafana, pagerduty_key, pagerduty_url: pagerduty_url.trim_end_matches('/').to_owned() }
}

pub fn is_http(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
