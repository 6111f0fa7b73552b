//! Figures, as `/sre stats` counts them.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    call::{Answer, Call, JSON, ok},
    problem::Problem,
    shown::When,
};
use crate::{inbound::access::Scope, model::Verdict, report, store::IncidentFilter};

/// How far back the figures go when nothing is said, in days: four weeks.
const DAYS: i64 = 28;
/// More days hold more incidents than one answer can count.
const DAYS_MAX: i64 = 366;
/// The most that is counted: the store's own limit.
const LIST_MAX: usize = 500;

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// Days before now.
    #[param(minimum = 1, maximum = 366, default = 28, example = 28)]
    days: Option<i64>,
}

/// How long things took in the middle case, in seconds; null where nothing is known.
#[derive(Debug, Serialize, ToSchema)]
struct MedianSeconds {
    first_report: Option<f64>,
    acknowledged: Option<f64>,
    resolved: Option<f64>,
}

/// One week, from Monday, UTC.
#[derive(Debug, Serialize, ToSchema)]
struct WeekView {
    #[schema(format = Date, example = "2026-01-26")]
    monday: String,
    incident_count: usize,
    alert_count: u64,
    /// The service with the most incidents.
    most_service: Option<String>,
}

/// How often something occurred.
#[derive(Debug, Serialize, ToSchema)]
struct CountView {
    name: String,
    count: u64,
}

/// Figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsView {
    since: When,
    incident_count: usize,
    /// There were more than are counted: these are the newest.
    truncated: bool,
    median_seconds: MedianSeconds,
    /// What people said about reported causes: `correct`, `one_hop_short`, `wrong`.
    verdicts: BTreeMap<String, usize>,
    weeks: Vec<WeekView>,
    services: Vec<CountView>,
    alerts: Vec<CountView>,
}

/// How many incidents, how fast, and how often the reported cause was right.
#[utoipa::path(get, path = "/api/v1/stats", tag = "operations", operation_id = "getStats", params(Days),
    responses((status = 200, description = "The figures", body = StatsView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "stats:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let days = call.query::<Days>()?.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::parameter("days", format!("must be 1 to {DAYS_MAX}")));
    }
    let since = api.state.clock.now() - SignedDuration::from_hours(24 * days);
    let filter = IncidentFilter { since: Some(since), limit: LIST_MAX, ..IncidentFilter::default() };
    let found = api.state.store.incidents(&filter).await?;
    let figures = report::figures(&found);
    let [first_report, acknowledged, resolved] = figures.median_seconds;
    let word = |verdict: Verdict| match verdict {
        Verdict::Correct => "correct",
        Verdict::OneHopShort => "one_hop_short",
        Verdict::Wrong => "wrong",
    };
    let counts = |ranked: Vec<(String, u64)>| ranked.into_iter().map(|(name, count)| CountView { name, count }).collect();
    ok(&StatsView {
        since: since.into(),
        incident_count: found.len(),
        truncated: found.len() >= LIST_MAX,
        median_seconds: MedianSeconds { first_report, acknowledged, resolved },
        verdicts: figures.verdicts.into_iter().map(|(verdict, count)| (word(verdict).to_owned(), count)).collect(),
        weeks: figures
            .weeks
            .into_iter()
            .map(|week| WeekView {
                monday: week.monday.to_string(),
                incident_count: week.incidents,
                alert_count: week.alerts,
                most_service: week.most.map(|(service, _)| service),
            })
            .collect(),
        services: counts(figures.services),
        alerts: counts(figures.alerts),
    })
}
