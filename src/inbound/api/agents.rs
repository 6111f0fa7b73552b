//! The agents: who they are, and tasks for one of them alone.

use std::time::Duration;

use axum::{
    extract::State as Shared,
    http::{HeaderValue, StatusCode, header::LOCATION},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Api,
    acts::short,
    alerts::AlertGiven,
    body,
    call::{Answer, Call, JSON, json, ok},
    once::once,
    problem::{Kind, Problem},
    shown::PriorityName,
};
use crate::{
    agents::AgentSpec,
    inbound::{
        access::Scope,
        alerts::{self, AlertError},
        state::{Door, clean},
    },
    model::{AgentTask, AlertId, Inbound, Priority, RecordSource, Request, TaskAction, nearest},
    redact,
    store::{DocumentKind, TaskResult},
};

/// How long a caller waits for a task when they do not say, and at most, in seconds.
const TIMEOUT: u64 = 30;
const TIMEOUT_MAX: u64 = 60;
/// How often the result is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const QUESTION_MAX: usize = 1_000;
const NAME_MAX: usize = 200;
/// So many edits away from an agent's name is a typing error of it.
const TYPING_ERROR: usize = 4;

/// An agent's bounds.
#[derive(Debug, Serialize, ToSchema)]
struct LimitsView {
    /// How many kinds of evidence it asks for.
    calls: usize,
    /// How long it may take.
    seconds: u64,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentView {
    #[schema(example = "infrastructure")]
    name: String,
    description: String,
    /// What it takes.
    takes: String,
    /// The kinds of evidence, or single tools, that it may ask.
    tools: Vec<String>,
    limits: LimitsView,
}

impl From<&AgentSpec> for AgentView {
    fn from(spec: &AgentSpec) -> Self {
        Self {
            name: spec.name.clone(),
            description: spec.description.clone(),
            takes: spec.takes.clone(),
            tools: spec.tools.clone(),
            limits: LimitsView { calls: spec.limits.calls, seconds: spec.limits.seconds },
        }
    }
}

/// All agents.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentList {
    agents: Vec<AgentView>,
}

/// The agents that there are.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", operation_id = "listAgents",
    responses((status = 200, description = "All agents", body = AgentList)))]
pub async fn list(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "agent:read", Scope::All).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    ok(&AgentList { agents: api.state.config.agents.iter().map(AgentView::from).collect() })
}

/// One agent.
#[utoipa::path(get, path = "/api/v1/agents/{agent_name}", tag = "agents", operation_id = "getAgent",
    responses((status = 200, description = "The agent", body = AgentView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "agent:read", Scope::Agent(call.param("agent_name"))).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    ok(&AgentView::from(agent(&api, call.param("agent_name"))?))
}

fn agent<'a>(api: &'a Api, name: &str) -> Result<&'a AgentSpec, Problem> {
    let known = &api.state.config.agents;
    known.iter().find(|spec| spec.name == name).ok_or_else(|| {
        let names = || known.iter().map(|spec| spec.name.as_str());
        let shown: String = name.chars().take(60).collect();
        let hint = match nearest(&shown, names(), TYPING_ERROR) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Problem::not_found(format!("there is no agent `{shown}`; {hint}"))
    })
}

/// What an agent can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    /// Look into a question or an alert.
    Investigate,
    /// List what it may ask.
    Tools,
}

/// What a task is about. `investigate` wants a question or an alert; `tools` wants nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskData {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    question: Option<String>,
    /// An alert, as `POST /api/v1/alerts` takes it.
    #[schema(value_type = Option<AlertGiven>)]
    alert: Option<Value>,
    /// Where to look.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    service: Option<String>,
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    namespace: Option<String>,
}

/// A task for an agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "investigate", "data": {"question": "why does checkout restart?"}, "priority": "P1", "timeout": 30}))]
pub struct TaskGiven {
    action: ActionName,
    #[serde(default)]
    data: TaskData,
    priority: Option<PriorityName>,
    /// How many seconds to wait for the result; afterwards the answer says that it still runs.
    #[schema(minimum = 0, maximum = 60)]
    timeout: Option<u64>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TaskStatus {
    Running,
    Completed,
    Failed,
}

/// What became of a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskView {
    task_id: String,
    status: TaskStatus,
    /// The report in the words of `sre-agent investigate --format json`, or the list of tools; null while there is none.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed.
    error: Option<String>,
    /// How long the agent took, in seconds; null while it runs.
    execution_time: Option<f64>,
    agent_name: String,
}

/// Gives an agent a task, and waits for the result.
///
/// The task is durable work like every other: it goes on when the caller does not wait until it is done.
#[utoipa::path(post, path = "/api/v1/agents/{agent_name}/tasks", tag = "agents", operation_id = "runAgentTask", request_body = TaskGiven,
    responses((status = 200, description = "The task is over", body = TaskView),
              (status = 202, description = "The task still runs; `Location` is where its result will be", body = TaskView)))]
pub async fn run(Shared(api): Shared<Api>, call: Call) -> Answer {
    let caller = call.authorize(&api, "agent:run", Scope::Agent(call.param("agent_name"))).await?;
    once(&api, &caller, call, async |call, asked| {
        call.wants(&[JSON])?;
        call.no_query()?;
        call.is_json()?;
        let spec = agent(&api, call.param("agent_name"))?;
        let given = body::read::<TaskGiven>(&asked.body).map_err(as_task)?;
        let timeout = given.timeout.unwrap_or(TIMEOUT);
        if timeout > TIMEOUT_MAX {
            return Err(as_task(Problem::invalid("timeout", format!("must be 0 to {TIMEOUT_MAX} seconds"))));
        }
        let priority = given.priority.map_or(Priority::P2, Priority::from);
        let action = action(given).map_err(as_task)?;
        let task = AgentTask { agent: spec.name.clone(), user: caller.subject.clone(), priority, action };
        let door = Door { source: RecordSource::Api, key: asked.key.as_deref(), team: "", priority };
        let id = api.state.record(door, |_| Inbound::Task { task }).await?;
        let result = tokio::time::timeout(Duration::from_secs(timeout), result(&api, id)).await;
        match result {
            Ok(result) => ok(&view(id, &spec.name, Some(result?))),
            Err(_) => {
                let mut answer = json(StatusCode::ACCEPTED, &view(id, &spec.name, None))?;
                if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/agents/{}/tasks/{id}", spec.name)) {
                    answer.headers_mut().insert(LOCATION, place);
                }
                Ok(answer)
            }
        }
    })
    .await
}

/// What became of a task.
#[utoipa::path(get, path = "/api/v1/agents/{agent_name}/tasks/{task_id}", tag = "agents", operation_id = "getAgentTask",
    responses((status = 200, description = "The task, done or not", body = TaskView)))]
pub async fn task(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.authorize(&api, "agent:read", Scope::Agent(call.param("agent_name"))).await?;
    call.wants(&[JSON])?;
    call.no_query()?;
    let spec = agent(&api, call.param("agent_name"))?;
    let given = call.param("task_id");
    let id: AlertId = Some(given)
        .filter(|given| given.len() == 26)
        .and_then(|given| given.parse().ok())
        .ok_or_else(|| Problem::parameter("task_id", "is not a task's id: 26 letters and digits"))?;
    let missing = || Problem::not_found(format!("there is no task {id} of {}", spec.name));
    if let Some(done) = read(&api, id).await? {
        return if done.agent == spec.name { ok(&view(id, &spec.name, Some(done))) } else { Err(missing()) };
    }
    match api.state.store.load_record(id).await?.map(|record| record.inbound) {
        Some(Inbound::Task { task }) if task.agent == spec.name => ok(&view(id, &spec.name, None)),
        _ => Err(missing()),
    }
}

/// A task that cannot be taken is the caller's mistake of the first kind: 400.
fn as_task(problem: Problem) -> Problem {
    if problem.kind == Kind::Invalid { problem.of_kind(Kind::InvalidTask) } else { problem }
}

fn action(given: TaskGiven) -> Result<TaskAction, Problem> {
    let TaskData { question, alert, service, namespace } = given.data;
    if given.action == ActionName::Tools {
        let more = [
            ("question", question.is_some()),
            ("alert", alert.is_some()),
            ("service", service.is_some()),
            ("namespace", namespace.is_some()),
        ];
        return match more.into_iter().find(|(_, there)| *there) {
            Some((name, _)) => Err(Problem::invalid(format!("data.{name}"), "means nothing to `tools`")),
            None => Ok(TaskAction::Tools),
        };
    }
    let name = |field: &str, value: Option<String>| value.map(|value| short(field, &value, 1, NAME_MAX)).transpose();
    let (service, namespace) = (name("data.service", service)?, name("data.namespace", namespace)?);
    let request = match (question, alert) {
        (Some(question), None) => {
            let mut text = short("data.question", &question, 1, QUESTION_MAX)?;
            for (kind, name) in [("service", &service), ("namespace", &namespace)] {
                if let Some(name) = name {
                    text.push_str(&format!(" ({kind} {name})"));
                }
            }
            Request::question(&text)
        }
        (None, Some(alert)) => {
            let found = alerts::from_api(alert.to_string().as_bytes()).map_err(|error| match error {
                AlertError::Invalid { field, reason } => Problem::invalid(format!("data.alert.{field}"), reason),
                other => Problem::invalid("data.alert", other.to_string()),
            })?;
            let mut alert = found.into_iter().next().ok_or_else(|| Problem::invalid("data.alert", "there is no alert in it"))?;
            clean(&mut alert);
            alert.service = service.unwrap_or(alert.service);
            alert.namespace = namespace.unwrap_or(alert.namespace);
            Request::alert(alert)
        }
        (None, None) => match service {
            Some(service) => {
                let place = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
                Request::question(&redact::text(&format!("what is wrong with service {service}{place}?")))
            }
            None => return Err(Problem::invalid("data.question", "is missing: say `question`, `alert` or `service`")),
        },
        (Some(_), Some(_)) => return Err(Problem::invalid("data.alert", "cannot come with `question`")),
    };
    Ok(TaskAction::Investigate { request: Box::new(request) })
}

async fn read(api: &Api, id: AlertId) -> Result<Option<TaskResult>, Problem> {
    let found = api.state.store.document(DocumentKind::Task, &id.to_string()).await?;
    Ok(found.and_then(|found| serde_json::from_value(found.body).ok()))
}

async fn result(api: &Api, id: AlertId) -> Result<TaskResult, Problem> {
    loop {
        if let Some(result) = read(api, id).await? {
            return Ok(result);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn view(id: AlertId, agent: &str, result: Option<TaskResult>) -> TaskView {
    let status = match &result {
        None => TaskStatus::Running,
        Some(result) if result.error.is_some() => TaskStatus::Failed,
        Some(_) => TaskStatus::Completed,
    };
    let execution_time = result.as_ref().map(|result| result.milliseconds as f64 / 1000.0);
    let (result, error) = result.map_or((None, None), |result| (Some(result.result).filter(|value| !value.is_null()), result.error));
    TaskView { task_id: id.to_string(), status, result, error, execution_time, agent_name: agent.to_owned() }
}
