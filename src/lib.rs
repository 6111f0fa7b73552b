//! An on-call bot for Slack: an alert in, a root-cause report with evidence in the alert's own thread.
//!
//! # Code map
//!
//! The sentence: verify → record → queue → group → route → investigate → conclude → publish → (a person acts).
//! `inbound` verifies and turns the outside into `model::Inbound`; the raw record is durable before the sender gets its
//! answer; everything after that runs in `pipeline`, step by step, each step recorded, so that a restart resumes.
//!
//! Imports go down only, never sideways, never up (`tests/it/architecture.rs` holds the table):
//!
//! | level | rooms |
//! |---|---|
//! | 0 | `model` the words everybody uses · `telemetry` logs and metrics · `redact` secrets out of text · `web` the HTTP client |
//! | 1 | `analysis` facts and causes from observations · `report` what the bot says · `slack` how it is said in Slack · `tools` where observations come from · `store` what must not be lost · `auth` who may · `coord` queue, locks, cache · `notify` other systems that are told · `console` pages for a browser · `sandbox` a Slack workspace on this machine |
//! | 2 | `agents` who looks where, and the router · `runbooks` what may be changed, and how it is agreed to |
//! | 3 | `pipeline` the steps · `inbound` the doors · `eval` scenarios and scores |
//! | 4 | `main` → `cli` → `app` → `config` |
//!
//! Where is the thing that…
//! - decides that a Slack message is an alert? `inbound::alerts`
//! - keeps an alert through a crash? `inbound` writes a `RawRecord` through `store::Store`, `pipeline::record` picks it up
//! - reads `kubectl describe` text? `tools::bundle`
//! - asks a live system? one file of `tools` each; `tools::guard` is around all of them, `tools::http` says what a bad answer means
//! - speaks MCP? `inbound::mcp` serves our tools, `tools::mcp` calls those of others
//! - knows that a pod was OOM-killed? `analysis::kubernetes`
//! - does what a button says? `inbound::interactions` records the act, `pipeline::act` does it and answers, `pipeline::tell` tells other systems
//! - decides who may? `auth::Access`, asked by `pipeline::rights` for people of Slack and by `inbound::access` at the API; who is mentioned? `pipeline::mentions`
//! - changes a system of the user's? only `runbooks::operate`, with an `Approved` in its hand; `pipeline::runs` takes a run from wish to verification
//! - fills the console's pages, and lets people in? `inbound::console`; `console` makes the HTML
//! - keeps the audit log whole? `store::audit`
//! - shows what is being done while people wait? `pipeline::progress` collects, `report::progress` words it, `slack::stream` streams it
//! - draws the timeline? `report::picture`; `pipeline::files` shares it in the thread
//! - turns a report into Block Kit? `report` makes a `model::Message`, `slack::blocks` renders it

pub mod model;
pub mod redact;
pub mod telemetry;
pub mod web;

pub mod analysis;
pub mod auth;
pub mod console;
pub mod coord;
pub mod notify;
pub mod report;
pub mod sandbox;
pub mod slack;
pub mod store;
pub mod tools;

pub mod agents;
pub mod runbooks;

pub mod eval;
pub mod inbound;
pub mod pipeline;

pub mod app;
pub mod cli;
pub mod config;
