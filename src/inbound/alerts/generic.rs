//! A sender nobody here knows: name, state, severity and places found by what fields are usually called.

use serde_json::Value;

use super::{
    Recognised,
    draft::{Draft, cut},
    json, sentence, title, words,
};
use crate::model::AlertStatus;

const MAX_FACTS: usize = 5_000;
const MAX_DEPTH: usize = 12;

/// One scalar of the body.
#[derive(Debug)]
struct Fact<'v> {
    /// Lower case without separators: `alert_name` and `alertName` are one.
    key: String,
    parent: String,
    depth: usize,
    value: &'v Value,
}

/// Objects that are about people and plumbing.
#[rustfmt::skip]
const NOT_ABOUT_IT: &[&str] = &[
    "user", "users", "owner", "agent", "team", "teams", "account", "organization", "author", "actor", "assignee", "assignees",
    "creator", "contact", "meta", "integration", "webhook", "actions", "notificationoptions", "escalationpolicy", "sender", "links",
    "creatorinfo", "createdby", "updatedby",
];

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "alertname", "monitorname", "checkname", "rulename", "alarmname", "alertrule", "alertrulename", "conditionname", "triggername",
    "eventdefinitiontitle", "monitorfriendlyname", "servicedisplayname", "servicedescription", "servicedesc", "friendlyname", "problemtitle", "incidenttitle", "incidentname", "alerttitle",
    "eventname", "testname", "jobname", "errorclass", "ruletitle", "title", "name", "subject", "alert", "monitor", "check", "rule",
    "trigger", "summary", "headline", "message", "reason", "alertdetails", "text", "searchname", "messagetitle", "detector", "snippet",
    "servicename", "sitename", "alias", "url", "serviceoutput", "hostoutput",
];
#[rustfmt::skip]
const STATES: &[&str] = &[
    "alertstatus", "alertstate", "currentstate", "newstate", "newstatus", "problemstate", "monitorstatus", "checkstatename",
    "checkstatus", "incidentstatus", "actiongroupname", "alerttypefriendlyname", "alerttransition", "status", "state", "monitorstate", "issuestate",
    "notificationtype", "servicestate", "hoststate", "alertaction", "alertevent", "incidentstate", "laststatus", "newalertstatus", "issuestatus", "transition", "action",
    "eventaction", "eventtype", "alerttype", "event", "type", "trigger", "triggertype", "condition",
];
/// Where the state may be the last words of an event's name. That it is an "alert" says less than any other of them.
const EVENTS: &[&str] = &["eventtype", "event", "alertevent", "eventname", "type", "action", "alerttype", "actiongroup", "triggertype"];
/// Fields of a check of a URL: then the body's `url` is what is sick, and not a link to the sender.
const OF_CHECKS: &[&str] = &["statuscode", "checkrate", "httpmethod", "httpstatus", "httpstatuscode", "responsetime"];
#[rustfmt::skip]
const SEVERITIES: &[&str] = &[
    "severity", "alertseverity", "eventseverity", "severitylevel", "priority", "alertpriority", "problemseverity", "incidentseverity",
    "ruleseverity", "riskscore", "level", "urgency", "criticality", "impact", "sev",
];
const SERVICES: &[&str] = &[
    "servicename",
    "service",
    "applicationname",
    "application",
    "appname",
    "app",
    "componentname",
    "component",
    "affectedservices",
    "projectname",
    "project",
];
#[rustfmt::skip]
const RESOURCES: &[&str] = &[
    "fullurl", "monitorurl", "requesturl", "websiteurl", "checkurl", "hostname", "host", "instance", "resource", "resourcename", "node",
    "nodename", "target", "targetname", "impactedentity", "entityname", "entity", "devicename", "device", "server", "servername",
    "machine", "monitortarget", "pod", "container", "itemname",
];
const DESCRIPTIONS: &[&str] =
    &["description", "longdescription", "message", "details", "alertdetails", "body", "text", "summary", "msg", "reason", "output"];
#[rustfmt::skip]
const TIMES: &[&str] = &[
    "startsat", "starttime", "startedat", "createdat", "createdon", "triggeredat", "timestamp", "eventtime", "time", "occurredat",
    "date", "statechangedtimestamp",
];
#[rustfmt::skip]
const LINKS: &[&str] = &[
    "url", "link", "alerturl", "incidenturl", "permalink", "htmlurl", "dashboardurl", "runbookurl", "runbook", "ruleurl", "monitorlink",
    "problemurl",
];

/// Reads any JSON object; without a name and any sign of a state or severity it is no alert.
pub(super) fn read(body: &Value, raw: &str) -> Recognised {
    let mut facts = Vec::new();
    collect(body, "", 0, &mut facts);
    let not = |reason: &str| Recognised::NotAnAlert { reason: reason.to_owned() };
    if let Some(reason) = refusal(&facts) {
        return not(&reason);
    }
    let mut draft = Draft::new(&source(&facts));
    let line = ranked(&facts, NAMES)
        .into_iter()
        .filter(|fact| !matches!(fact.parent.as_str(), "application" | "project" | "app" | "environment"))
        .map(|fact| json::scalar(fact.value))
        .find(|value| !value.is_empty() && !value.starts_with('{'))
        .unwrap_or_default();
    let title = title::read(&line);
    let state = pick_map(&facts, STATES, words::status)
        .or_else(|| pick_map(&facts, EVENTS, |word| words::status_of_event(word).filter(|_| !normal(word).ends_with("alert"))))
        .or_else(|| pick_map(&facts, EVENTS, words::status_of_event))
        .or_else(|| flag(&facts))
        // `"level": "OK"`: the scale of severities ends in "none left".
        .or_else(|| pick_map(&facts, &["level", "severity"], words::status).filter(|status| *status == AlertStatus::Resolved));
    let word = pick(&facts, SEVERITIES, |value| !value.is_empty() && value.len() < 40).unwrap_or_default();
    draft.description = pick(&facts, DESCRIPTIONS, |value| !value.is_empty()).unwrap_or_default();
    let labels = ["labels", "tags", "commonlabels", "annotations", "dimensions"];
    if let Some(map) = body.as_object() {
        for (_, value) in map.iter().filter(|(key, _)| labels.contains(&normal(key).as_str())) {
            for (key, value) in json::labels(value) {
                draft.label(&key, &value);
            }
        }
    }
    let stated = state.or(title.status);
    let symptom = sentence::is_alert(&format!("{line}\n{}", draft.description));
    if line.is_empty() || (stated.is_none() && word.is_empty() && !title.marked && !symptom) {
        return Recognised::Unknown { reason: "nothing in it names an alert and its state".to_owned() };
    }
    if sentence::is_maintenance(&line) {
        return not("announced maintenance");
    }
    if stated.is_none() && !title.marked && !symptom && sentence::is_chatter(&line) {
        return Recognised::Unknown { reason: "a message that states no alert".to_owned() };
    }
    draft.name = title.name;
    draft.summary = line;
    draft.status = stated.or(Some(AlertStatus::Firing));
    // Nagios and its kin: the state of the check behind the kind of the notification.
    let of_check = || pick(&facts, &["servicestate", "hoststate"], words::is_severity);
    // `"status": "CRITICAL"` says both.
    let state_word = pick(&facts, STATES, |value| words::status(value).is_some())
        .filter(|word| words::is_severity(word))
        .or_else(of_check)
        .unwrap_or_default();
    draft.severity_word = [word, title.severity_word, state_word].into_iter().find(|word| !word.is_empty()).unwrap_or_default();
    draft.service = pick(&facts, SERVICES, |value| !value.is_empty() && value.len() < 200).unwrap_or_default();
    // One field for several services: the first of them.
    draft.service = draft.service.split(',').next().unwrap_or("").trim().to_owned();
    draft.resource = pick(&facts, RESOURCES, |value| !value.is_empty() && value.len() < 300).unwrap_or_default();
    if draft.resource.is_empty() && facts.iter().any(|fact| OF_CHECKS.contains(&fact.key.as_str())) {
        draft.resource = pick(&facts, &["url"], |value| value.contains("://")).unwrap_or_default();
    }
    draft.namespace = pick(&facts, &["namespace", "kubernetesnamespace", "kubenamespace"], |value| !value.is_empty()).unwrap_or_default();
    draft.cluster = pick(&facts, &["cluster", "clustername", "kubernetescluster"], |value| !value.is_empty()).unwrap_or_default();
    if draft.resource.contains("://")
        && let Some(host) = pick(&facts, &["hostname"], |value| !value.is_empty())
    {
        draft.resource = host;
    }
    draft.starts_at = TIMES.iter().find_map(|key| facts.iter().find(|fact| fact.key == *key).and_then(|fact| json::time(fact.value)));
    for key in ["environment", "env", "region", "team", "metric", "query"] {
        if let Some(value) = pick(&facts, &[key], |value| !value.is_empty()) {
            draft.label(key, &value);
        }
    }
    for key in LINKS {
        if let Some(url) = pick(&facts, &[key], |value| value.starts_with("http")) {
            draft.link(key, &url);
        }
    }
    let id = pick(
        &facts,
        &["dedupkey", "incidentkey", "alias", "fingerprint", "incidentid", "problemid", "monitorid", "checkid", "ruleid"],
        |value| !value.is_empty(),
    );
    if let Some(id) = id {
        draft.dedup(&format!("{id} {}", draft.name));
    }
    Recognised::Alerts(vec![draft.finish(raw)])
}

fn normal(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn collect<'v>(value: &'v Value, parent: &str, depth: usize, facts: &mut Vec<Fact<'v>>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if facts.len() >= MAX_FACTS {
                    return;
                }
                let key = normal(key);
                match value {
                    Value::Object(inner) => {
                        // `"priority": {"name": "P1"}` is a priority.
                        let shown = ["summary", "name", "title", "displayName", "label", "value"]
                            .iter()
                            .find_map(|part| inner.get(*part))
                            .filter(|shown| !json::scalar(shown).is_empty());
                        if let Some(shown) =
                            shown.filter(|_| [SEVERITIES, SERVICES, STATES].iter().any(|list| list.contains(&key.as_str())))
                        {
                            facts.push(Fact { key: key.clone(), parent: parent.to_owned(), depth: depth + 1, value: shown });
                        }
                        collect(value, &key, depth + 1, facts);
                    }
                    Value::Array(list) => {
                        if let Some(first) = list.first().filter(|first| !json::scalar(first).is_empty()) {
                            facts.push(Fact {
                                key: key.strip_suffix('s').unwrap_or(&key).to_owned(),
                                parent: parent.to_owned(),
                                depth: depth + 1,
                                value: first,
                            });
                        }
                        list.iter().take(5).for_each(|item| collect(item, &key, depth + 1, facts));
                    }
                    _ => facts.push(Fact { key, parent: parent.to_owned(), depth, value }),
                }
            }
        }
        Value::Array(list) => list.iter().take(5).for_each(|item| collect(item, parent, depth + 1, facts)),
        _ => {}
    }
}

/// Candidates by rank of their key, then by depth; what is about people does not count.
fn ranked<'f, 'v>(facts: &'f [Fact<'v>], keys: &[&str]) -> Vec<&'f Fact<'v>> {
    let mut found: Vec<(usize, &Fact)> = facts
        .iter()
        .filter(|fact| !NOT_ABOUT_IT.contains(&fact.parent.as_str()))
        .filter_map(|fact| keys.iter().position(|key| *key == fact.key).map(|rank| (rank + fact.depth * 4, fact)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, fact)| fact).collect()
}

fn pick(facts: &[Fact], keys: &[&str], fits: impl Fn(&str) -> bool) -> Option<String> {
    ranked(facts, keys).into_iter().map(|fact| json::scalar(fact.value)).find(|value| fits(value))
}

fn pick_map<T>(facts: &[Fact], keys: &[&str], map: impl Fn(&str) -> Option<T>) -> Option<T> {
    ranked(facts, keys).into_iter().find_map(|fact| map(&json::scalar(fact.value)))
}

/// `resolved: true`, `is_active: 1`, `recovered: false`.
fn flag(facts: &[Fact]) -> Option<AlertStatus> {
    let value = |keys: &[&str]| {
        pick(facts, keys, |value| matches!(value, "true" | "false" | "1" | "0")).map(|value| matches!(value.as_str(), "true" | "1"))
    };
    match (
        value(&["resolved", "isresolved", "recovered", "cleared", "fixed", "closed"]),
        value(&["firing", "isfiring", "active", "isactive", "triggered", "alerting"]),
    ) {
        (Some(resolved), _) => Some(if resolved { AlertStatus::Resolved } else { AlertStatus::Firing }),
        (None, Some(firing)) => Some(if firing { AlertStatus::Firing } else { AlertStatus::Resolved }),
        (None, None) => None,
    }
}

/// Bodies that say themselves that they are something else.
fn refusal(facts: &[Fact]) -> Option<String> {
    let kinds =
        ["eventtype", "event", "type", "action", "notificationtype", "webhooktype", "alerttype", "kind", "detailtype", "status", "state"];
    for fact in facts.iter().filter(|fact| fact.depth <= 2 && kinds.contains(&fact.key.as_str())) {
        let value = json::scalar(fact.value);
        let kind = words::plain(&value.replace(['.', ':', '/'], " "));
        let has = |part: &str| kind.split(' ').any(|word| word == part);
        let other = [
            "comment",
            "commented",
            "annotation",
            "annotated",
            "maintenance",
            "unsupported",
            "ping",
            "deploy",
            "deployment",
            "deployed",
            "release",
            "subscription",
            "verification",
            "challenge",
            "joined",
            "planned",
            "scheduled",
            "push",
            "commit",
            "postmortem",
            "digest",
            "downtimestart",
            "downtimeend",
            "downtimeremoved",
            "downtimecancelled",
        ];
        if let Some(word) = other.iter().find(|word| has(word)).filter(|_| kind != "under maintenance") {
            return Some(format!("it says that it is a {word}: `{}`", cut(&value, 80)));
        }
        if kind == "test" || kind == "webhook test" || kind == "test notification" {
            return Some("a test".to_owned());
        }
    }
    if facts.iter().any(|fact| fact.parent == "repository" || matches!(fact.key.as_str(), "objectkind" | "webhookevent")) {
        return Some("news of a source repository or a tracker".to_owned());
    }
    facts.iter().any(|fact| fact.depth == 0 && matches!(fact.key.as_str(), "challenge" | "subscribeurl")).then(|| "a handshake".to_owned())
}

/// The sender's own name, where the body has one.
fn source(facts: &[Fact]) -> String {
    let stated = pick(facts, &["monitoringtool", "alertsource", "integrationname", "sourcetype", "product", "vendor"], |value| {
        !value.is_empty() && value.len() < 40
    });
    stated.map_or_else(|| "webhook".to_owned(), |name| words::plain(&name).replace(' ', "_"))
}
