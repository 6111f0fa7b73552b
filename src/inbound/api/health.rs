//! Is it there? In one short answer for whoever has no token.

use axum::{extract::State as Shared, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api,
    call::{Answer, Call, JSON, json, ok},
    openapi,
    problem::{Kind, Problem},
};

/// The service's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Whether the service takes work. Wants no token.
#[utoipa::path(get, path = "/api/v1/health", tag = "operations", operation_id = "getHealth", security(()),
    responses((status = 200, description = "It does", body = HealthView)))]
pub async fn get(Shared(api): Shared<Api>, call: Call) -> Answer {
    call.wants(&[JSON])?;
    call.no_query()?;
    match api.state.store.ping().await {
        Ok(()) => ok(&HealthView { status: "ok", version: env!("CARGO_PKG_VERSION") }),
        Err(error) => {
            tracing::warn!(%error, "not healthy");
            Err(Problem::new(Kind::Unavailable, "the store does not take writes"))
        }
    }
}

/// This description of the API. Wants no token.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", operation_id = "getOpenApi", security(()),
    responses((status = 200, description = "The OpenAPI document", body = Object)))]
pub async fn description(call: Call) -> Answer {
    call.wants(&[JSON])?;
    call.no_query()?;
    json(StatusCode::OK, openapi::document())
}
