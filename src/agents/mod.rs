//! Who looks where: the router, the specialist agents, and the engine that runs them and concludes.

pub mod router;

mod activity;
mod agent;
mod catalog;
mod clean;
mod engine;
mod focus;
pub mod narrow;

pub use agent::{Agent, Case};
pub use catalog::{AgentSpec, Catalog, CatalogError};
pub use engine::{Engine, Progress};
pub use focus::focus_of;

#[cfg(test)]
mod tests;
