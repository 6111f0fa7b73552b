//! Runbooks, their runs, and the decisions about them: wishes that the pipeline carries out, exactly as for Slack.

use std::{collections::BTreeMap, time::Duration};

use axum::{extract::State as Shared, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    acts::{Wait, wait},
    body,
    call::{Answer, Call, JSON, json, ok},
    once::{Asked, once},
    page::{Page, Paging},
    problem::{Kind, Problem},
    shown::When,
};
use crate::{
    inbound::{
        access::{self, Caller, Scope},
        state::Door,
    },
    model::{self, AlertId, Inbound, Priority, RecordSource, Reply, Run, RunId, RunState, RunWish},
    report,
    store::DocumentKind,
};

/// How many runs are looked through.
const RUNS_MAX: usize = 500;
/// How often the outcome is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const VALUES_MAX: usize = 40;

/// One parameter of a runbook.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParameterView {
    name: String,
    /// `text`, `integer` or `choice`.
    kind: &'static str,
    description: String,
    optional: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pattern: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    least: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<i64>,
}

/// One runbook.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunbookView {
    #[schema(example = "restart-workload")]
    id: String,
    title: String,
    description: String,
    /// `low`, `medium` or `high`.
    #[schema(example = "medium")]
    risk: &'static str,
    /// Categories of causes that it is for.
    categories: Vec<String>,
    parameters: Vec<ParameterView>,
    /// What is done, one step each.
    steps: Vec<String>,
}

impl From<&model::Runbook> for RunbookView {
    fn from(of: &model::Runbook) -> Self {
        let parameters = of.parameters.iter().map(|parameter| ParameterView {
            name: parameter.name.clone(),
            kind: match parameter.kind {
                model::ParameterKind::Text => "text",
                model::ParameterKind::Integer => "integer",
                model::ParameterKind::Choice => "choice",
            },
            description: parameter.description.clone(),
            optional: parameter.optional,
            pattern: parameter.pattern.clone(),
            choices: parameter.choices.clone(),
            least: parameter.least,
            most: parameter.most,
        });
        Self {
            id: of.id.clone(),
            title: of.title.clone(),
            description: of.description.clone(),
            risk: of.risk.as_str(),
            categories: of.applies.categories.clone(),
            parameters: parameters.collect(),
            steps: of.steps.iter().map(|step| format!("{}: {}", step.action, step.name)).collect(),
        }
    }
}

/// One step of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    name: String,
    state: &'static str,
    /// What the dry run says, a line each: `-` goes, `+` comes.
    diff: Vec<String>,
    /// What follows from it.
    effect: String,
    outcome: String,
}

/// A decision about a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    by: String,
    approves: bool,
    at: When,
}

/// One run of a runbook.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunView {
    id: String,
    runbook: String,
    title: String,
    risk: &'static str,
    /// `planning`, `waiting`, `approved`, `running`, `undoing`, `done`, `failed`, `undone`, `denied`, `stopped`, `expired` or `void`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
    requested_by: String,
    requested_at: When,
    expires_at: When,
    /// How many more people must approve.
    missing_approvals: u32,
    decisions: Vec<DecisionView>,
    /// What is decided about: the operations, their dry runs and what was seen. Empty while the dry run is made.
    hash: String,
    steps: Vec<StepView>,
    /// How it is checked afterwards.
    verified_by: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<When>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            title: report::run_title(&run),
            missing_approvals: run.missing(),
            verified_by: report::verified_by(&run),
            id: run.id.to_string(),
            risk: run.risk.as_str(),
            state: run.state.as_str(),
            incident: run.incident.map(|incident| incident.to_string()),
            requested_by: run.requested_by.id,
            requested_at: run.requested_at.into(),
            expires_at: run.expires_at.into(),
            decisions: run
                .decisions
                .into_iter()
                .map(|decision| DecisionView { by: decision.by.id, approves: decision.approves, at: decision.at.into() })
                .collect(),
            steps: run
                .steps
                .into_iter()
                .map(|step| StepView {
                    name: step.name,
                    state: step.state.as_str(),
                    diff: step.preview.diff,
                    effect: step.preview.effect,
                    outcome: step.outcome,
                })
                .collect(),
            runbook: run.runbook,
            hash: run.hash,
            detail: run.detail,
            ended_at: run.ended_at.map(Into::into),
        }
    }
}

/// The runbooks that there are.
#[utoipa::path(get, path = "/api/v1/runbooks", tag = "runbooks", operation_id = "listRunbooks", params(Paging),
    responses((status = 200, description = "A page of them", body = Page<RunbookView>)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "runbook:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let all: Vec<&model::Runbook> = api.state.runbooks.catalog.all().collect();
    ok(&Page::cut(all, &call.query()?, RunbookView::from)?)
}

/// One runbook.
#[utoipa::path(get, path = "/api/v1/runbooks/{runbook_id}", tag = "runbooks", operation_id = "getRunbook",
    responses((status = 200, description = "The runbook", body = RunbookView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "runbook:read", Scope::Runbook(call.param("runbook_id"))).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    ok(&RunbookView::from(runbook(&api, &call)?))
}

fn runbook<'a>(api: &'a Api, call: &Call) -> Result<&'a model::Runbook, Problem> {
    let catalog = &api.state.runbooks.catalog;
    let id = call.param("runbook_id");
    catalog.get(id).ok_or_else(|| {
        let near = catalog.nearest(id).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Problem::not_found(format!("there is no such runbook{near}"))
    })
}

/// What a runbook is to be prepared with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"incident": "INC-42", "parameters": {"workload": "checkout"}}))]
pub struct RunGiven {
    /// The incident whose evidence fills in what is not given, and in whose thread it is shown.
    #[serde(default)]
    #[schema(pattern = "^([Ii][Nn][Cc]-)?[0-9]{1,18}$")]
    incident: Option<String>,
    /// Values by parameter: texts or whole numbers.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: BTreeMap<String, Value>,
}

/// What became of a wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct WishAnswer {
    /// The durable record of the request.
    id: String,
    /// `accepted`, `done` or `refused`.
    status: &'static str,
    /// The run, for who waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunView>,
}

/// Prepares a run: a dry run, then people are asked for approval. Nothing is changed yet.
#[utoipa::path(post, path = "/api/v1/runbooks/{runbook_id}/runs", tag = "runbooks", operation_id = "requestRun", params(Wait),
    request_body = RunGiven,
    responses((status = 200, description = "The dry run is made, or says no", body = WishAnswer),
              (status = 202, description = "It is durable and will be prepared", body = WishAnswer)))]
pub async fn request(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "runbook:request", Scope::Runbook(call.param("runbook_id"))).await?;
    once(&api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        call.is_json()?;
        let runbook = runbook(&api, &call)?.id.clone();
        let given: RunGiven = body::read(&asked.body)?;
        if given.parameters.len() > VALUES_MAX {
            return Err(Problem::invalid("parameters", format!("are more than {VALUES_MAX}")));
        }
        let incident = match &given.incident {
            None => None,
            Some(text) => {
                let id = text.parse().map_err(|why: String| Problem::invalid("incident", why))?;
                Some(super::call::incident(&api, id).await?)
            }
        };
        let known = api.state.runbooks.catalog.get(&runbook).ok_or_else(|| Problem::not_found("there is no such runbook"))?;
        let facts = incident.as_ref().map(|incident| crate::runbooks::Facts { incident });
        if let Err(errors) = crate::runbooks::values(known, &given.parameters, facts.as_ref()) {
            return Err(Problem::fields(errors.into_iter().map(|error| (format!("parameters.{}", error.place), error.reason))));
        }
        let wish = RunWish::Request { runbook, parameters: given.parameters, incident: incident.as_ref().map(|incident| incident.id) };
        let record = wished(&api, &caller, &asked, wish).await?;
        // The pipeline calls the run as its record is called.
        answer(&api, record, RunId(record.0), wait, |run| run.state != RunState::Planning).await
    })
    .await
}

async fn wished(api: &Api, caller: &Caller, asked: &Asked, wish: RunWish) -> Result<AlertId, Problem> {
    let door = Door { source: RecordSource::Api, key: asked.key.as_deref(), team: "", priority: Priority::P0 };
    let by = caller.as_recorded.clone();
    Ok(api.state.record(door, |_| Inbound::Runbook { wish, by, reply: Reply::default() }).await?)
}

/// The run as it is when it is as wanted, or 202.
async fn answer(api: &Api, record: AlertId, run: RunId, wait: Duration, is_ready: impl Fn(&Run) -> bool) -> Answer {
    let waiting = async {
        loop {
            match load(api, run).await? {
                Some(run) if is_ready(&run) => return Ok::<_, Problem>(run),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    };
    match tokio::time::timeout(wait, waiting).await {
        Ok(run) => {
            let run = RunView::from(run?);
            json(StatusCode::OK, &WishAnswer { id: record.to_string(), status: "done", run: Some(run) })
        }
        Err(_) => json(StatusCode::ACCEPTED, &WishAnswer { id: record.to_string(), status: "accepted", run: None }),
    }
}

async fn load(api: &Api, id: RunId) -> Result<Option<Run>, Problem> {
    let found = api.state.store.document(DocumentKind::Run, &id.to_string()).await?;
    Ok(found.and_then(|found| serde_json::from_value(found.body).ok()))
}

async fn all(api: &Api) -> Result<Vec<Run>, Problem> {
    let documents = api.state.store.documents(DocumentKind::Run, RUNS_MAX).await?;
    let mut runs: Vec<Run> = documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    Ok(runs)
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those of this incident.
    #[param(pattern = "^([Ii][Nn][Cc]-)?[0-9]{1,18}$", example = "INC-42")]
    incident: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// The runs, the newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runbooks", operation_id = "listRuns", params(Which),
    responses((status = 200, description = "A page of them", body = Page<RunView>)))]
pub async fn runs(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "runbook:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let which: Which = call.query()?;
    let mut found = all(&api).await?;
    found.retain(|run| reads(&api, &caller, "runbook:read", run));
    if let Some(text) = &which.incident {
        let id = text.parse().map_err(|why: String| Problem::parameter("incident", why))?;
        found.retain(|run| run.incident == Some(id));
    }
    ok(&Page::cut(found, &Paging { limit: which.limit, cursor: which.cursor }, RunView::from)?)
}

/// The runs that wait for approval, the one that expires first is first.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "runbooks", operation_id = "listApprovals", params(Paging),
    responses((status = 200, description = "A page of them", body = Page<RunView>)))]
pub async fn approvals(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "approval:read", Scope::All).await?;
    call.wants(&[JSON])?;
    let mut found = all(&api).await?;
    found.retain(|run| run.state == RunState::Waiting && reads(&api, &caller, "approval:read", run));
    found.sort_by_key(|run| run.expires_at);
    ok(&Page::cut(found, &call.query()?, RunView::from)?)
}

/// One run.
#[utoipa::path(get, path = "/api/v1/runs/{run_id}", tag = "runbooks", operation_id = "getRun",
    responses((status = 200, description = "The run", body = RunView)))]
pub async fn run(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "runbook:read", Scope::All).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    let run = the_run(&api, &call).await?;
    if !reads(&api, &caller, "runbook:read", &run) {
        return Err(missing());
    }
    ok(&RunView::from(run))
}

/// Whether the caller may see the run, in every place that it touches.
fn reads(api: &Api, caller: &Caller, permission: &str, run: &Run) -> bool {
    access::places(run).iter().all(|place| caller.may(&api.state, permission, place))
}

fn missing() -> Problem {
    Problem::not_found("there is no such run, or it is so old that it is forgotten")
}

async fn the_run(api: &Api, call: &Call) -> Result<Run, Problem> {
    let id = call.param("run_id").parse::<RunId>().map_err(|_| missing())?;
    load(api, id).await?.ok_or_else(missing)
}

/// What is decided about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hash": "7f3c0000000000000000000000000000000000000000000000000000000000e1"}))]
pub struct DecisionGiven {
    /// The run's hash as it was shown: the decision counts for exactly that.
    #[schema(min_length = 12, max_length = 64, pattern = "^[0-9a-f]+$")]
    hash: String,
}

macro_rules! decisions {
    ($($(#[$doc:meta])* $name:ident, $path:tt, $operation:tt, $choice:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "runbooks", operation_id = $operation, params(Wait), request_body = DecisionGiven,
            responses((status = 200, description = "It counts", body = WishAnswer),
                      (status = 202, description = "It is durable and will be looked at", body = WishAnswer)))]
        pub async fn $name(Shared(api): Shared<Api>, call: Call) -> Answer {
            decide(&api, call, $choice).await
        }
    )*};
}

decisions! {
    /// Yes: exactly this may run.
    approve, "/api/v1/runs/{run_id}/approve", "approveRun", Choice::Approve;
    /// No: one is enough, and it will not run.
    deny, "/api/v1/runs/{run_id}/deny", "denyRun", Choice::Deny;
    /// Stop a run that is under way: its present step comes to its end, and the rest is not done.
    cancel, "/api/v1/runs/{run_id}/cancel", "cancelRun", Choice::Cancel;
}

/// What somebody wants of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Approve,
    Deny,
    Cancel,
}

async fn decide(api: &Api, call: Call, choice: Choice) -> Answer {
    let permission = if choice == Choice::Cancel { "run:cancel" } else { "approval:decide" };
    let approves = choice == Choice::Approve;
    let caller = call.authorize(api, permission, Scope::All).await?;
    once(api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        let wait = wait(&call)?;
        call.is_json()?;
        let given: DecisionGiven = body::read(&asked.body)?;
        if !(12..=64).contains(&given.hash.len()) || !given.hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(Problem::invalid("hash", "must be 12 to 64 hexadecimal digits, as the run shows them"));
        }
        let run = the_run(api, &call).await?;
        let fits = if choice == Choice::Cancel { run.is_under_way() } else { run.state == RunState::Waiting };
        if !fits {
            let why = if choice == Choice::Cancel { "cannot be stopped" } else { "waits for no decision" };
            return Err(Problem::new(Kind::Conflict, format!("the run is {} and {why}", run.state.as_str())));
        }
        let (id, by) = (run.id, caller.subject.clone());
        let decision = model::Decision { by: caller.as_recorded.clone(), team: String::new(), approves, at: api.state.clock.now() };
        if let Err(refused) = crate::runbooks::decide(run, decision, &given.hash) {
            // Recorded all the same: the pipeline refuses it too, and audits that.
            wished(api, &caller, &asked, RunWish::Decide { run: id, approves, hash: given.hash }).await?;
            return Err(Problem::new(Kind::Forbidden, refused.to_string()));
        }
        let record = wished(api, &caller, &asked, RunWish::Decide { run: id, approves, hash: given.hash }).await?;
        answer(api, record, id, wait, |run| run.decisions.iter().any(|decision| decision.by.id == by)).await
    })
    .await
}
