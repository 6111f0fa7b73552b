//! Which alert a chat message states: default templates, senders' titles, fields, and plain sentences.

use super::{
    draft::Draft,
    json,
    listing::Listing,
    mrkdwn, phrases, sentence,
    slack::Post,
    subject::{self, Subject},
    title::{self, Title},
    words, workload,
};
use crate::model::AlertStatus;

/// Senders by a part of their bot's name.
const SENDERS: &[(&str, &str)] = &[
    ("alertmanager", "alertmanager"),
    ("prometheus", "alertmanager"),
    ("grafana", "grafana"),
    ("datadog", "datadog"),
    ("pagerduty", "pagerduty"),
    ("opsgenie", "opsgenie"),
    ("sentry", "sentry"),
    ("new relic", "newrelic"),
    ("newrelic", "newrelic"),
    ("aws chatbot", "cloudwatch"),
    ("amazon q", "cloudwatch"),
    ("cloudwatch", "cloudwatch"),
    ("zabbix", "zabbix"),
    ("azure", "azure"),
    ("google cloud", "gcp"),
    ("stackdriver", "gcp"),
    ("victorops", "victorops"),
    ("splunk", "splunk"),
    ("pingdom", "pingdom"),
    ("uptime", "uptime"),
    ("statuscake", "statuscake"),
    ("checkly", "checkly"),
    ("better stack", "uptime"),
    ("nagios", "nagios"),
    ("icinga", "icinga"),
    ("sensu", "sensu"),
    ("elastic", "elastic"),
    ("kibana", "elastic"),
    ("dynatrace", "dynatrace"),
    ("rollbar", "rollbar"),
    ("bugsnag", "bugsnag"),
    ("honeybadger", "honeybadger"),
    ("honeycomb", "honeycomb"),
    ("robusta", "robusta"),
    ("signoz", "signoz"),
    ("kubernetes", "kubernetes"),
    ("healthchecks", "healthchecks"),
    ("cronitor", "cronitor"),
    ("betterstack", "uptime"),
    ("site24x7", "site24x7"),
    ("netdata", "netdata"),
    ("prtg", "prtg"),
    ("instana", "instana"),
    ("appdynamics", "appdynamics"),
    ("coralogix", "coralogix"),
    ("sumo logic", "sumologic"),
    ("logicmonitor", "logicmonitor"),
    ("squadcast", "squadcast"),
    ("raygun", "raygun"),
    ("airbrake", "airbrake"),
    ("vmalert", "alertmanager"),
];

/// Bots that tell of changes, and of what is sick because of them.
const DEPLOYERS: &[(&str, &str)] = &[("argo cd", "argocd"), ("argocd", "argocd"), ("flux", "flux"), ("spinnaker", "spinnaker")];

/// The alert in a message, if it states one.
pub(super) fn read(post: &Post) -> Option<Draft> {
    let lines = || post.titles.iter().chain(&post.fallbacks).chain(&post.texts);
    let mut draft = match lines().find_map(|line| subject::read(line)) {
        Some(subject) => from_template(post, subject),
        None => from_words(post)?,
    };
    for link in &post.links {
        draft.link(&mrkdwn::without_any_emoji(&link.title), &link.url);
    }
    draft.starts_at = draft.starts_at.or_else(|| json::time(&post.ts));
    Some(draft)
}

/// Whether a bot that sends alerts posted it: what it says is an alert or nothing.
pub(super) fn is_alert_sender(post: &Post) -> bool {
    sender(post, SENDERS).is_some()
}

fn sender(post: &Post, list: &[(&str, &'static str)]) -> Option<&'static str> {
    let names = format!("{} {}", post.sender, post.footer).to_lowercase();
    list.iter().find(|(part, _)| names.contains(part)).map(|(_, source)| *source)
}

fn source(post: &Post, otherwise: &str) -> String {
    sender(post, SENDERS).or_else(|| sender(post, DEPLOYERS)).unwrap_or(otherwise).to_owned()
}

/// Alertmanager's or Grafana's subject line, with whatever else the template prints.
fn from_template(post: &Post, subject: Subject) -> Draft {
    let mut draft = Draft::new(&source(post, "alertmanager"));
    let mut listing = post.listing();
    draft.status = Some(subject.status);
    draft.count = subject.count.max(listing.alerts);
    draft.name = listing.labels.get("alertname").cloned().unwrap_or(subject.name);
    let listed = listing.labels.contains_key("alertname");
    draft.labels = std::mem::take(&mut listing.labels);
    if !listed {
        draft.labels.extend(subject.labels);
    }
    details(&mut draft, &listing, post);
    if let Some(word) = draft.labels.get("severity") {
        draft.severity_word.clone_from(word);
    }
    draft
}

/// Summary, description, severity and the places that `Key: value` lines and fields name.
fn details(draft: &mut Draft, listing: &Listing, post: &Post) {
    let annotation = |key: &str| listing.annotations.get(key).map(String::as_str);
    let or_empty = |found: Option<&str>| found.unwrap_or("").to_owned();
    draft.summary = or_empty(annotation("summary").or_else(|| listing.pair(&["summary", "alert", "title"])));
    // `Pod is crash looping. - warning`: some templates put the severity behind the summary.
    if let Some((summary, word)) = draft.summary.clone().rsplit_once(" - ")
        && words::is_severity(word)
    {
        summary.clone_into(&mut draft.summary);
        word.clone_into(&mut draft.severity_word);
    }
    let body = post.body();
    draft.description = annotation("description")
        .or_else(|| annotation("message"))
        .or_else(|| listing.pair(&["description", "alarm description", "message", "details"]))
        .map_or(body, str::to_owned);
    if draft.summary.is_empty() {
        draft.summary = post.titles.first().filter(|title| subject::read(title).is_none()).cloned().unwrap_or_default();
    }
    if draft.severity_word.is_empty() {
        draft.severity_word = or_empty(listing.pair(&["severity", "priority", "alert severity", "level", "urgency", "sev"]));
    }
    let pairs: [(&[&str], &mut String); 4] = [
        (&["namespace", "kubernetes namespace", "ns"], &mut draft.namespace),
        (&["cluster", "cluster name", "kubernetes cluster"], &mut draft.cluster),
        (&["service", "service name", "app", "application", "project", "component", "deployment", "workload"], &mut draft.service),
        (
            &[
                "resource",
                "pod",
                "pods",
                "host",
                "hostname",
                "node",
                "instance",
                "impacted entities",
                "entity",
                "affected resource",
                "affected resources",
                "url",
                "target",
            ],
            &mut draft.resource,
        ),
    ];
    for (keys, slot) in pairs {
        if let Some(value) = listing.pair(keys).filter(|_| slot.is_empty()) {
            value.split([' ', ',']).find(|word| !word.is_empty()).unwrap_or("").clone_into(slot);
        }
    }
    if let (Some(bucket), Some(object)) = (listing.pair(&["s3 bucket", "bucket"]), listing.pair(&["s3 object", "object", "object key"])) {
        draft.resource = format!("{bucket}/{object}");
    }
    if let Some(tags) = listing.pair(&["tags", "tag"]) {
        for (key, value) in json::labels(&serde_json::Value::String(tags.to_owned())) {
            draft.label(&key, &value);
        }
    }
    if let Some(pod) = listing.pair(&["pod", "pods"]).and_then(|value| value.split([' ', ',']).find(|word| !word.is_empty())) {
        draft.label("pod", pod);
    }
    for key in ["environment", "env", "region", "team", "metric", "policy", "release"] {
        if let Some(value) = listing.pair(&[key]) {
            draft.label(key, value);
        }
    }
}

/// Titles and fields of other senders, or a sentence that states a symptom.
fn from_words(post: &Post) -> Option<Draft> {
    let source = source(post, if post.person { "person" } else { "text" });
    let known = !matches!(source.as_str(), "text" | "person");
    let listing = post.listing();
    let (line, heading) = first_line(post).or_else(|| (!post.fields.is_empty()).then(|| ("", Title::default())))?;
    if phrases::is_bookkeeping(line) {
        return None;
    }
    let fallback = post.fallbacks.first().map(|line| title::read(line)).unwrap_or_default();
    let mut title = title::read(line);
    if !title.marked && fallback.marked {
        title = Title { name: title.name, ..fallback };
    }
    // A heading that names nothing: the state and the name are in the field that holds the message.
    if let Some(said) = listing.pair(&["message"]).map(title::read).filter(|said| !title.marked && said.status.is_some()) {
        title = said;
    }
    title.marked |= heading.marked;
    title.status = title.status.or(heading.status);
    if title.severity_word.is_empty() {
        title.severity_word.clone_from(&heading.severity_word);
    }
    let announced = lines(post).find_map(phrases::announced);
    title.marked |= announced.is_some() && known;
    title.status = title.status.or(announced);
    bars(post, &mut title);
    let named = listing.pair(&[
        "alarm name",
        "alert name",
        "alertname",
        "finding type",
        "rule name",
        "trigger",
        "condition name",
        "check name",
        "event type code",
        "code",
        "monitor name",
        "problem name",
    ]);
    let condition = || listing.pair(&["condition"]).filter(|_| !heading.name.is_empty());
    let named = named.or_else(condition);
    let quoted = phrases::quoted_name(line).filter(|_| !title.name.contains(" in group "));
    let triggered_by =
        lines(post).find_map(|line| line.split_once("triggered by ")).map(|(_, name)| name.trim().trim_matches(['*', '.', '"']).to_owned());
    let state = listing.pair(&["current state", "new state", "state", "status", "alert status", "current status"]).and_then(words::status);
    let word = listing.pair(&["severity", "alert severity", "priority", "level", "urgency"]);
    let all = format!("{}\n{}", line, post.body());
    let shouted = line.trim_start().starts_with('[')
        || line.split(':').next().is_some_and(|word| word.len() > 2 && !word.chars().any(char::is_lowercase));
    let stated = named.is_some() && (state.is_some() || word.is_some() || post.status_of_color().is_some())
        || known && title.marked
        || word.is_some() && state.is_some();
    let marked = title.marked && !sentence::is_chatter(&title.name);
    let described = !sentence::is_chatter(&all) && (post.sentence().is_some() || known && post.status_of_color().is_some());
    let found = finding(post);
    let is_alert = if post.person {
        title.marked && shouted && !sentence::is_chatter(&all)
    } else {
        let over = sentence::is_recovery(&title.name) && sentence::service(&title.name).is_some() && !sentence::is_chatter(&all);
        stated
            || marked
            || described
            || over
            || found.is_some()
            || known && (has_form(post) || quoted.is_some() || announced.is_some()) && !sentence::is_chatter(&all)
    };
    if !is_alert || all.trim().is_empty() && named.is_none() {
        return None;
    }
    let mut draft = Draft::new(&source);
    draft.labels.clone_from(&listing.labels);
    details(&mut draft, &listing, post);
    draft.name = named.map(str::to_owned).or(triggered_by).or(found).or(quoted.map(str::to_owned)).unwrap_or_else(|| title.name.clone());
    let recovered = || sentence::is_recovery(&title.name).then_some(AlertStatus::Resolved);
    draft.status = title.status.or(state).or_else(|| post.status_of_color()).or_else(recovered).or(Some(AlertStatus::Firing));
    if !title.severity_word.is_empty() {
        draft.severity_word = title.severity_word;
    }
    if draft.severity_word.is_empty() {
        draft.severity_word = severity_in(&all).unwrap_or("").to_owned();
    }
    // The labels' workload is surer than what grammar suggests.
    if draft.service.is_empty() && workload::service(&workload::Known::new(&draft.labels)).is_empty() {
        let symptom = || {
            post.texts.iter().map(|text| mrkdwn::without_emoji(text)).filter(|text| sentence::is_alert(text)).find_map(sentence::service)
        };
        draft.service = sentence::service(&title.name).or_else(symptom).unwrap_or("").to_owned();
    }
    if let Some(environment) = sentence::environment(&all) {
        draft.label("env", environment);
    }
    if draft.summary.is_empty() {
        draft.summary = title.name;
    }
    Some(draft)
}

/// `🚨 CloudWatch Alarm | name | region | Account: …`: the first part says what, the second which.
fn bars(post: &Post, title: &mut Title) {
    let Some(line) = post.fallbacks.iter().chain(&post.titles).find(|line| line.matches(" | ").count() >= 2) else { return };
    let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
    if let [kind, name, ..] = parts.as_slice() {
        let kind = words::plain(kind);
        if kind.contains("alarm") || kind.contains("alert") {
            title.marked = true;
            mrkdwn::without_emoji(name).clone_into(&mut title.name);
            let calm = line.contains('✅') || line.contains(":white_check_mark:") || kind.split(' ').any(|word| word == "ok");
            title.status = Some(if calm { AlertStatus::Resolved } else { AlertStatus::Firing });
        }
    }
}

/// Security findings name themselves in the fallback: `GuardDuty Malware Scan Result: THREATS_FOUND`.
fn finding(post: &Post) -> Option<String> {
    let line = post.fallbacks.iter().chain(&post.titles).find(|line| line.contains(": "))?;
    let (name, result) = line.split_once(": ")?;
    (result.trim().chars().all(|c| c.is_ascii_uppercase() || c == '_') && words::status(result).is_some()).then(|| name.trim().to_owned())
}

/// `Alert of severity **3**`, `severity=critical` inside a sentence.
fn severity_in(text: &str) -> Option<&str> {
    static IN_TEXT: super::pattern::Pattern = super::pattern::Pattern::new(|| {
        super::pattern::compile(r"(?i)\b(?:severity|priority)(?:\s+is\b)?\s*[:=]?\s*[*`]*((?:P|sev-?)?\d|[A-Za-z]+)\b")
    });
    // Nagios and its kin: `web-1/load is CRITICAL`, `STATE: CRITICAL`.
    static STATE: super::pattern::Pattern =
        super::pattern::Pattern::new(|| super::pattern::compile(r"(?:\bis|\bstate:|\bSTATE:|\bState:)\s+[*`]*(CRITICAL|WARNING)\b"));
    let is_one = |word: &&str| word.contains(|c: char| c.is_ascii_digit()) || words::is_severity(word);
    super::pattern::capture(&IN_TEXT, text).filter(is_one).or_else(|| super::pattern::capture(&STATE, text))
}

/// Every line of the message, titles first.
fn lines(post: &Post) -> impl Iterator<Item = &str> {
    post.titles
        .iter()
        .chain(&post.texts)
        .chain(&post.fallbacks)
        .flat_map(|text| text.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(500)
}

/// The first line that names something, and what the headings before it say. Their text is in the title's name.
fn first_line(post: &Post) -> Option<(&str, Title)> {
    let mut before = Title::default();
    for line in lines(post) {
        let Some(heading) = phrases::heading(line) else { return Some((line, before)) };
        before.status = before.status.or(heading.status);
        if before.severity_word.is_empty() {
            before.severity_word = heading.severity_word;
        }
        before.marked |= heading.marked;
        line.clone_into(&mut before.name);
    }
    // Nothing but headings: the first of them is all there is.
    lines(post).next().map(|line| (line, before))
}

/// Whether the message has more than running text: what monitoring sends has a title, a colour, fields, a link.
fn has_form(post: &Post) -> bool {
    let links = post.links.iter().any(|link| !link.url.is_empty());
    links || !(post.titles.is_empty() && post.fallbacks.is_empty() && post.fields.is_empty() && post.color.is_empty())
}
