//! Reads the file of the escalation chains.

use std::{collections::BTreeSet, time::Duration};

use super::{Chain, Chains, Known, Quiet, Repeat, Step, To};
use crate::{
    model::{Priority, is_slack_group, is_slack_user},
    notify::{
        Hours, Wrong,
        email::is_address,
        yaml::{Field, File},
    },
};

const CHAINS_MAX: usize = 100;
const STEPS_MAX: usize = 20;
/// How many are called in one step; the recipients of one mail.
const TO_MAX: usize = 50;
const SERVICES_MAX: usize = 200;
const TIMES_MAX: u32 = 100;
const NAME_MAX: usize = 80;
/// The longest wait: who waits longer wants another tool.
const WAIT_MAX: Duration = Duration::from_secs(7 * 86_400);
/// The shortest time between two rounds: nobody answers faster, and a slip of the pen is no siren.
const EVERY_MIN: Duration = Duration::from_secs(60);

pub(super) fn chains(text: &str, known: &Known) -> Result<Chains, Wrong> {
    let file = File::new("escalation.yaml", text)?;
    let root = file.root().section(&["chains", "quiet_hours"]);
    let quiet = root.get("quiet_hours").and_then(|field| quiet_hours(&field));
    let mut names = BTreeSet::new();
    let mut chains = Vec::new();
    for field in root.list("chains", CHAINS_MAX) {
        let Some(chain) = chain(&field, known, quiet.as_ref()) else { continue };
        if !names.insert(chain.name.clone()) {
            field.wrong(&format!("has the name `{}`, as another chain before it", chain.name));
        }
        chains.push(chain);
    }
    file.done(Chains(chains))
}

fn chain(field: &Field, known: &Known, quiet: Option<&Quiet>) -> Option<Chain> {
    let section = field.section(&["name", "priorities", "services", "steps", "repeat"]);
    let name = section.must("name").and_then(|field| field.text(NAME_MAX));
    let priorities = priorities(&section.list("priorities", 4));
    let services = section.list("services", SERVICES_MAX).iter().map(|field| field.text(NAME_MAX)).collect::<Vec<_>>();
    let steps: Vec<Option<Step>> = section.list("steps", STEPS_MAX).iter().map(|field| step(field, known)).collect();
    if steps.is_empty() {
        field.wants("at least one step under `steps:`");
    }
    let repeat = section.get("repeat").map(|field| repeat(&field));
    let steps: Vec<Step> = steps.into_iter().collect::<Option<_>>()?;
    if steps.is_sorted_by(|one, next| one.after < next.after) {
        Some(Chain {
            name: name?,
            priorities: priorities?,
            services: services.into_iter().collect::<Option<_>>()?,
            steps,
            repeat: match repeat {
                Some(repeat) => Some(repeat?),
                None => None,
            },
            quiet: quiet.cloned(),
        })
    } else {
        field.wants("steps in the order of their time, each with an `after` that is longer than the one before");
        None
    }
}

fn priorities(fields: &[Field]) -> Option<BTreeSet<Priority>> {
    let all = [Priority::P0, Priority::P1, Priority::P2, Priority::P3];
    let read = |text: &str| all.into_iter().find(|known| known.to_string().eq_ignore_ascii_case(text));
    let read: Vec<Option<Priority>> = fields.iter().map(|field| field.parsed("P0, P1, P2 or P3", read)).collect();
    read.into_iter().collect()
}

fn step(field: &Field, known: &Known) -> Option<Step> {
    let section = field.section(&["after", "to"]);
    let after = section.must("after").and_then(|field| field.duration(Duration::ZERO, WAIT_MAX));
    let to: Vec<Option<To>> = section.list("to", TO_MAX).iter().map(|field| to(field, known)).collect();
    if to.is_empty() {
        field.wants("somebody to call under `to:`");
        return None;
    }
    Some(Step { after: after?, to: to.into_iter().collect::<Option<_>>()? })
}

fn to(field: &Field, known: &Known) -> Option<To> {
    let section = field.section(&["slack_group", "slack_user", "oncall", "email", "pagerduty", "webhook"]);
    let mut names = section.names();
    let (Some(name), None) = (names.next(), names.next()) else {
        field.wants("one of slack_group, slack_user, oncall, email, pagerduty, webhook");
        return None;
    };
    let field = section.must(name)?;
    let id = |what: &str, fits: fn(&str) -> bool| field.parsed(what, |text| fits(text).then(|| text.to_owned()));
    let named = |what: &str, names: &[String]| {
        let name = field.text(NAME_MAX)?;
        if !names.contains(&name) {
            field.unknown(what, &name, names.iter().map(String::as_str));
            return None;
        }
        Some(name)
    };
    match name {
        "slack_group" => id("a Slack user group's id such as S012AB3CD", is_slack_group).map(To::SlackGroup),
        "slack_user" => id("a Slack user id such as U012AB3CD", is_slack_user).map(To::SlackUser),
        "oncall" => named("on-call schedule", &known.schedules).map(To::OnCall),
        "webhook" => named("webhook of the settings", &known.webhooks).map(To::Webhook),
        "email" => {
            if !known.email {
                field.wrong("needs the e-mail settings, which are empty");
            }
            field.parsed("an e-mail address", |text| is_address(text).then(|| text.to_owned())).map(To::Email)
        }
        "pagerduty" => {
            if !known.pagerduty {
                field.wrong("needs PagerDuty's key in the settings");
            }
            field.parsed("`true`", |text| (text == "true").then_some(To::PagerDuty))
        }
        _ => None,
    }
}

fn repeat(field: &Field) -> Option<Repeat> {
    let section = field.section(&["every", "times"]);
    let every = section.must("every").and_then(|field| field.duration(EVERY_MIN, WAIT_MAX));
    let wanted = format!("a whole number from 1 to {TIMES_MAX}");
    let times = |text: &str| text.parse::<u32>().ok().filter(|times| (1..=TIMES_MAX).contains(times));
    let times = section.must("times").and_then(|field| field.parsed(&wanted, times));
    Some(Repeat { every: every?, times: times? })
}

fn quiet_hours(field: &Field) -> Option<Quiet> {
    let section = field.section(&["from", "to", "timezone", "priorities_exempt"]);
    let time = |name: &str| section.must(name).and_then(|field| field.time());
    let (from, to) = (time("from"), time("to"));
    let zone = section.must("timezone").and_then(|field| field.zone());
    let exempt = priorities(&section.list("priorities_exempt", 4));
    let hours = Hours { from: from?, to: to? };
    if hours.from == hours.to {
        field.wants("a `to` that differs from its `from`; the whole day would be quiet");
    }
    Some(Quiet { hours, zone: zone?, exempt: exempt? })
}
