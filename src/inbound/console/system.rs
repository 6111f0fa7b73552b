//! The pages about the service itself: agents and health, accuracy, audit.

use std::collections::BTreeMap;

use axum::{
    extract::{Query, State as Shared},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::{SignedDuration, ToSpan as _, tz::TimeZone};
use serde::Deserialize;

use super::{
    html,
    session::{Visitor, away},
};
use crate::{
    auth,
    console::{
        accuracy as accuracy_page, agents as agents_page, audit as audit_page,
        views::{self, Bucket, Category, Chain, Choice, Figure, Mark, Place, Specialist, System, Tone, Week},
    },
    inbound::{State, commands},
    model::{AuditEntry, Incident, Standing, Verdict},
    report,
    store::{self, IncidentFilter},
};

/// How far back accuracy looks, and how many incidents it reads: the store's own limit.
const WEEKS: i64 = 26;
const INCIDENTS_MAX: usize = 500;
/// How many lines of the audit log one page has.
const LINES: usize = 100;
const LINES_READ: usize = 1000;

pub async fn agents(Shared(state): Shared<State>, headers: HeaderMap, uri: Uri) -> Response {
    let visitor = match visit(&state, &headers, &uri, "agent:read").await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let now = state.clock.now();
    let (later, started) = (now + SignedDuration::from_hours(1), tokio::time::Instant::now());
    let counts = async {
        Ok::<_, store::StoreError>((
            state.store.unfinished(later, INCIDENTS_MAX).await?.len(),
            state.store.due_slots(later, INCIDENTS_MAX).await?.len(),
            state.store.audit_count().await?,
        ))
    };
    let Ok((jobs, unsent, lines)) = counts.await else { return away(&state, Some(&visitor)) };
    let took = started.elapsed().as_millis();
    let figure = |label: &str, value: String, unit: &str, note: &str, state: Option<Mark>| Figure {
        label: label.to_owned(),
        value,
        unit: unit.to_owned(),
        note: note.to_owned(),
        state,
    };
    let judge = |fine: bool| Some(if fine { Mark::new("fine", Tone::Good) } else { Mark::new("look", Tone::Warn) });
    let figures = vec![
        figure("Work that waits", jobs.to_string(), "jobs", "records, investigations and what others are to be told", judge(jobs < 100)),
        figure("Messages that wait", unsent.to_string(), "messages", "for Slack", judge(unsent < 50)),
        figure("Store", took.to_string(), "ms", "for three questions", judge(took < 500)),
        figure("Audit log", lines.to_string(), "lines", "", None),
        figure("Version", env!("CARGO_PKG_VERSION").to_owned(), "", "", None),
    ];
    // What Slack lets us do is only worth a line where something is missing.
    let own = commands::findings(&state).await.into_iter().enumerate();
    let own = own.filter(|(at, finding)| *at < 2 || finding.standing != Standing::Fine || finding.what.starts_with("channel"));
    let (asked_at, live) = state.live.look(now).await;
    let systems = own
        .map(|(_, finding)| (now, "own", finding))
        .chain(live.into_iter().map(|finding| (asked_at, "asked", finding)))
        .map(|(checked_at, kind, finding)| System {
            state: match finding.standing {
                Standing::Fine => Mark::new("fine", Tone::Good),
                Standing::Lacking => Mark::new("lacking", Tone::Warn),
                Standing::Broken => Mark::new("failing", Tone::Bad),
            },
            name: finding.what,
            kind: kind.to_owned(),
            said: if finding.advice.is_empty() { finding.said } else { format!("{} {}", finding.said, finding.advice) },
            checked_at: Some(checked_at),
            took_ms: None,
        })
        .collect();
    let specialists = state
        .config
        .agents
        .iter()
        .map(|agent| Specialist {
            name: agent.name.clone(),
            takes: format!("{} — {}", agent.takes, agent.description),
            tools: agent.tools.clone(),
            state: Mark::new("ready", Tone::Good),
        })
        .collect();
    let view = views::Agents { figures, systems, specialists };
    html(StatusCode::OK, agents_page::page(&view, &visitor.frame(&state, Some(Place::Agents)).await))
}

async fn visit(state: &State, headers: &HeaderMap, uri: &Uri, permission: &str) -> Result<Visitor, Response> {
    let path = uri.path_and_query().map_or("/incidents", |path| path.as_str());
    let visitor = Visitor::of(state, headers, path).await?;
    visitor.need(state, permission, &auth::Scope::default()).await?;
    Ok(visitor)
}

pub async fn accuracy(Shared(state): Shared<State>, headers: HeaderMap, uri: Uri) -> Response {
    let visitor = match visit(&state, &headers, &uri, "stats:read").await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let since = state.clock.now() - SignedDuration::from_hours(24 * 7 * WEEKS);
    let filter = IncidentFilter { since: Some(since), limit: INCIDENTS_MAX, ..IncidentFilter::default() };
    match state.store.incidents(&filter).await {
        Ok(found) => html(StatusCode::OK, accuracy_page::page(&judged(&found), &visitor.frame(&state, Some(Place::Accuracy)).await)),
        Err(_) => away(&state, Some(&visitor)),
    }
}

/// The newest word of people on an incident's report.
fn verdict(incident: &Incident) -> Option<Verdict> {
    incident.feedback.iter().max_by_key(|said| said.at).map(|said| said.verdict)
}

fn judged(found: &[Incident]) -> views::Accuracy {
    let reported: Vec<&Incident> = found.iter().filter(|incident| incident.report.is_some()).collect();
    let mut weeks: BTreeMap<String, Week> = BTreeMap::new();
    let mut categories: BTreeMap<String, Category> = BTreeMap::new();
    let mut buckets = [(0.0, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.0)].map(|(from, to)| Bucket { from, to, ..Bucket::default() });
    let mut count = 0;
    for incident in &reported {
        let (Some(verdict), Some(report)) = (verdict(incident), &incident.report) else { continue };
        count += 1;
        let date = incident.opened_at.to_zoned(TimeZone::UTC).date();
        let back = i64::from(date.weekday().to_monday_zero_offset());
        let begins = date.checked_sub(back.days()).unwrap_or(date).to_string();
        let week = weeks.entry(begins.clone()).or_insert_with(|| Week { begins, ..Week::default() });
        let first = report.hypotheses.first();
        let name = first.map_or("no cause".to_owned(), |cause| cause.category.as_str().replace('_', " "));
        let category = categories.entry(name.clone()).or_insert_with(|| Category { name, ..Category::default() });
        match verdict {
            Verdict::Correct => (week.correct, category.correct) = (week.correct + 1, category.correct + 1),
            Verdict::OneHopShort => (week.one_hop_short, category.one_hop_short) = (week.one_hop_short + 1, category.one_hop_short + 1),
            Verdict::Wrong => (week.wrong, category.wrong) = (week.wrong + 1, category.wrong + 1),
        }
        if let Some(cause) = first {
            let fits = |bucket: &&mut Bucket| cause.confidence >= bucket.from && (cause.confidence < bucket.to || bucket.to >= 1.0);
            if let Some(bucket) = buckets.iter_mut().find(fits) {
                bucket.judged += 1;
                bucket.correct += u64::from(verdict == Verdict::Correct);
            }
        }
    }
    let [first_report, ..] = report::figures(found).median_seconds;
    views::Accuracy {
        reports: reported.len() as u64,
        judged: count,
        weeks: weeks.into_values().collect(),
        categories: categories.into_values().collect(),
        calibration: buckets.into_iter().filter(|bucket| bucket.judged > 0).collect(),
        median_report_ms: first_report.map(|seconds| (seconds * 1000.0) as u64),
    }
}

/// The filters of the audit log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    actor: String,
    act: String,
    object: String,
    outcome: String,
    before: String,
    after: String,
}

pub async fn audit(Shared(state): Shared<State>, headers: HeaderMap, uri: Uri, Query(filters): Query<Filters>) -> Response {
    let visitor = match visit(&state, &headers, &uri, "audit:read").await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let object = Some(filters.object.trim()).filter(|object| !object.is_empty());
    let read = async { Ok::<_, store::StoreError>((state.store.audit(object, LINES_READ).await?, chain(&state).await?)) };
    let Ok((mut lines, chain)) = read.await else { return away(&state, Some(&visitor)) };
    let fits = |wanted: &str, is: &str| wanted.trim().is_empty() || wanted.trim() == is;
    lines.retain(|line| fits(&filters.actor, &line.actor) && fits(&filters.act, &line.act) && fits(&filters.outcome, &line.outcome));
    let place = if filters.after.is_empty() { &filters.before } else { &filters.after };
    let skip = place.parse::<usize>().unwrap_or(0).min(LINES_READ);
    let older = (lines.len() > skip + LINES).then(|| (skip + LINES).to_string());
    let newer = (skip > 0).then(|| skip.saturating_sub(LINES).to_string());
    const OUTCOMES: &[&str] = &["done", "refused", "failed", "nothing to do", "begun", "applied", "verified", "changed"];
    let view = views::Audit {
        chain,
        actor: filters.actor.clone(),
        act: filters.act.clone(),
        object: filters.object.clone(),
        outcomes: OUTCOMES
            .iter()
            .map(|word| Choice { value: (*word).to_owned(), label: (*word).to_owned(), chosen: *word == filters.outcome })
            .collect(),
        entries: lines.into_iter().skip(skip).take(LINES).map(entry).collect(),
        paging: views::Paging { newer, older },
    };
    html(StatusCode::OK, audit_page::page(&view, &visitor.frame(&state, Some(Place::Audit)).await))
}

fn entry(line: AuditEntry) -> views::AuditEntry {
    let tone = match line.outcome.as_str() {
        "done" | "verified" | "applied" => Tone::Good,
        "refused" | "failed" => Tone::Bad,
        _ => Tone::Neutral,
    };
    views::AuditEntry {
        at: line.at,
        actor: line.actor,
        act: line.act,
        object: line.object,
        outcome: Mark::new(line.outcome, tone),
        detail: line.detail,
    }
}

/// Goes through the chain: some hundred thousand lines take a second.
async fn chain(state: &State) -> store::Result<Chain> {
    let judged = store::audit::verify(state.store.as_ref(), &[]).await?;
    Ok(match judged {
        Ok(whole) => Chain {
            state: Mark::new("whole", Tone::Good),
            said: format!("verified up to line {}", whole.lines),
            checked_at: Some(state.clock.now()),
        },
        Err(broken) => Chain { state: Mark::new("broken", Tone::Bad), said: broken.to_string(), checked_at: Some(state.clock.now()) },
    })
}
