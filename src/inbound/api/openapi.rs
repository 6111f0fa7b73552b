//! The description of the API as OpenAPI 3.1, generated from the handlers, with what all of them have in common.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{
    acts, agents, alerts, ask, audit, changes, health, incidents, investigations,
    once::KEY_MAX,
    problem::{Details, Kind, MEDIA_TYPE},
    runbooks, silences, stats,
};
use crate::inbound::{alerts::MAX_ALERTS, told::CHANGES_MAX};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sre-agent",
        description = "Alerts in, incidents with their reports out, and everything that people do with them.\n\n\
            Whatever goes wrong is a problem as RFC 9457 has it. Acts are durable when they are answered: 202, or with `Prefer: wait=5` \
            the outcome. A POST or DELETE with an `Idempotency-Key` has its effect once. Instants are RFC 3339."
    ),
    paths(
        alerts::send, changes::tell, changes::list,
        incidents::list, incidents::get, incidents::timeline, incidents::evidence, incidents::alerts, incidents::report,
        incidents::postmortem,
        acts::acknowledge, acts::unacknowledge, acts::resolve, acts::reopen, acts::silence, acts::unsilence, acts::assign,
        acts::rerun, acts::replay, acts::feedback, acts::escalate,
        ask::question, ask::begin,
        investigations::of_incident, investigations::get, investigations::events,
        agents::list, agents::get, agents::run, agents::task,
        silences::list, silences::end,
        runbooks::list, runbooks::get, runbooks::request, runbooks::runs, runbooks::run, runbooks::approve, runbooks::deny, runbooks::cancel,
        runbooks::approvals,
        stats::get, audit::list, health::get, health::description,
    ),
    components(schemas(Details, investigations::ProgressView, incidents::FormName)),
    tags(
        (name = "alerts", description = "What senders say"),
        (name = "changes", description = "What was deployed or changed: evidence for later"),
        (name = "incidents", description = "One problem each, and what is known about it"),
        (name = "acts", description = "What people do with an incident"),
        (name = "investigations", description = "What was looked into, and questions"),
        (name = "agents", description = "The specialists, and tasks for one of them alone"),
        (name = "silences", description = "No messages about what matches, until they end"),
        (name = "runbooks", description = "What can be changed, by whom it is agreed to, and what came of it"),
        (name = "operations", description = "Figures, the audit log, health"),
    ),
    security(("bearer" = [])),
    modifiers(&Token),
)]
struct Described;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`api.token`, a token of `sre-agent token issue` or of the identity provider, or a key `sre_…`"))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document, made once.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
        complete(&mut document);
        document
    });
    &DOCUMENT
}

/// Adds to every operation what all have: parameters of the path, the key of a repetition, and what can go wrong.
fn complete(document: &mut Value) {
    let responses: Map<String, Value> = Kind::ALL.iter().map(|kind| (name(*kind), response(*kind))).collect();
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), Value::Object(responses));
    }
    bodies(document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Some(operation) = operation.as_object_mut() else { continue };
            parameters(operation, path, method != "get");
            let wrong = wrong(operation, path, method != "get");
            if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
                for response in responses.values_mut().filter_map(Value::as_object_mut) {
                    response.insert(
                        "headers".to_owned(),
                        json!({"X-Request-Id": {"schema": {"type": "string"}, "description": "By which the log knows the request"}}),
                    );
                }
                responses.extend(wrong);
            }
        }
    }
}

/// What the shapes themselves cannot say: how long a list may be, and which of two fields is wanted.
fn bodies(document: &mut Value) {
    let lists = [("AlertsGiven", MAX_ALERTS), ("ChangesGiven", CHANGES_MAX)];
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (name, most) in lists {
        let choices = schemas.get_mut(name).and_then(|schema| schema.get_mut("oneOf")).and_then(Value::as_array_mut);
        for list in choices.into_iter().flatten().filter(|choice| choice.get("type") == Some(&json!("array"))) {
            list["minItems"] = json!(1);
            list["maxItems"] = json!(most);
        }
    }
    if let Some(alerts) = schemas.get_mut("AlertList").and_then(|list| list.pointer_mut("/properties/alerts")) {
        alerts["minItems"] = json!(1);
        alerts["maxItems"] = json!(MAX_ALERTS);
    }
    if let Some(silence) = schemas.get_mut("SilenceGiven") {
        silence["oneOf"] = json!([{"required": ["seconds"]}, {"required": ["until"]}]);
    }
}

fn parameters(operation: &mut Map<String, Value>, path: &str, changes: bool) {
    let mut all: Vec<Value> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(of_path).collect();
    let mut given = match operation.remove("parameters") {
        Some(Value::Array(given)) => given,
        _ => Vec::new(),
    };
    given.iter_mut().filter_map(|parameter| parameter.get_mut("schema")).for_each(never_null);
    let waits = given.iter().any(|parameter| parameter.get("name") == Some(&json!("wait")));
    all.append(&mut given);
    if waits {
        all.push(
            json!({"name": "Prefer", "in": "header", "required": false, "description": "`wait=5` waits that many seconds for the outcome",
            "schema": {"type": "string"}}),
        );
    }
    if changes {
        all.push(json!({"name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Any text of the caller's own: a second request with it within 24 hours has no further effect and gets the same answer",
            "schema": {"type": "string", "maxLength": KEY_MAX, "pattern": "^[!-~]*$"}}));
    }
    operation.insert("parameters".to_owned(), Value::Array(all));
}

/// A parameter that is not wanted is left out; there is no null in an address.
fn never_null(schema: &mut Value) {
    let null = json!("null");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| *kind != null);
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema["type"] = only;
        }
    }
    let Some(Value::Array(choices)) = schema.get("oneOf") else { return };
    if let Some(only) = choices.iter().find(|choice| choice.get("type") != Some(&null)).cloned() {
        *schema = only;
    }
}

fn of_path(name: &str) -> Value {
    const ULID: &str = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$";
    let (description, schema) = match name {
        "id" => {
            ("The incident: INC-42, or 42", json!({"type": "string", "pattern": "^([Ii][Nn][Cc]-)?[0-9]{1,18}$", "examples": ["INC-42"]}))
        }
        "agent_name" => ("The agent's name", json!({"type": "string", "minLength": 1, "maxLength": 200, "examples": ["infrastructure"]})),
        "silence_id" => ("The silence's id", json!({"type": "string", "pattern": "^SIL-[0-9A-Z]{1,50}$"})),
        "run_id" => ("The run's id", json!({"type": "string", "pattern": ULID})),
        "runbook_id" => ("The runbook's id", json!({"type": "string", "pattern": "^[a-z0-9-]{1,100}$", "examples": ["restart-workload"]})),
        "task_id" => ("The task's id", json!({"type": "string", "pattern": ULID})),
        _ => ("The investigation's id", json!({"type": "string", "pattern": ULID})),
    };
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
}

/// What can go wrong with an operation, by status.
fn wrong(operation: &Map<String, Value>, path: &str, changes: bool) -> Map<String, Value> {
    let public = operation.get("security").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| *one == json!({})));
    let mut kinds = vec![Kind::InvalidParameter, Kind::NotAcceptable, Kind::Internal, Kind::Unavailable];
    if !public {
        kinds.extend([Kind::Unauthorized, Kind::Forbidden]);
    }
    if path.contains('{') {
        kinds.push(Kind::NotFound);
    }
    if !public && !path.ends_with("/alerts") || path.ends_with("/events") {
        kinds.push(Kind::TooMany);
    }
    if changes {
        kinds.extend([Kind::TooSlow, Kind::Conflict, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Invalid]);
    }
    kinds
        .into_iter()
        .map(|kind| (kind.status().as_u16().to_string(), json!({"$ref": format!("#/components/responses/{}", name(kind))})))
        .collect()
}

fn name(kind: Kind) -> String {
    format!("{kind:?}")
}

fn response(kind: Kind) -> Value {
    let id = json!({"schema": {"type": "string"}, "description": "By which the log knows the request"});
    let mut headers = Map::from_iter([("X-Request-Id".to_owned(), id)]);
    if matches!(kind, Kind::Unavailable | Kind::TooMany | Kind::Conflict) {
        headers.insert("Retry-After".to_owned(), json!({"schema": {"type": "integer", "minimum": 1}, "description": "Seconds"}));
    }
    if kind == Kind::Unauthorized {
        headers.insert("WWW-Authenticate".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({"description": kind.title(), "headers": headers, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}})
}
