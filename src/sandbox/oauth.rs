//! Installing the app into this workspace: the page where a person agrees, and the code that comes of it.

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Sandbox, workspace::TEAM};

/// `/oauth/v2/authorize`, where the app sends the person.
pub fn router() -> Router<Sandbox> {
    Router::new().route("/oauth/v2/authorize", get(authorize))
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    state: String,
}

/// The person agrees at once.
async fn authorize(State(sandbox): State<Sandbox>, Query(asked): Query<Asked>) -> Response {
    let refuse = |why: &'static str| (StatusCode::BAD_REQUEST, why).into_response();
    if asked.client_id != sandbox.0.config.client_id {
        return refuse("invalid client_id parameter");
    }
    if asked.scope.is_empty() || asked.scope.split(',').any(str::is_empty) {
        return refuse("invalid_scope");
    }
    let Ok(mut back) = url::Url::parse(&asked.redirect_uri) else { return refuse("bad redirect_uri") };
    let code = {
        let mut state = sandbox.state();
        let code = state.next_id("code-");
        state.codes.insert(code.clone(), asked.redirect_uri.clone());
        code
    };
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked.state);
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

impl Sandbox {
    /// Speaks of this workspace where the common parts speak of the usual one.
    pub(super) fn localised(&self, mut value: Value) -> Value {
        if self.0.config.team != TEAM {
            rename(&mut value, &self.0.config.team);
        }
        value
    }
}

fn rename(value: &mut Value, team: &str) {
    match value {
        Value::String(text) if text == TEAM => team.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, team)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, team)),
        _ => {}
    }
}
