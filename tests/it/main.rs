//! The one integration binary: every test that looks at the product from outside.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod access;
mod acts;
mod alerts;
mod api;
mod architecture;
mod browser;
mod chains;
mod cli;
mod commands;
mod conversation;
mod doctor;
mod doors;
mod fakes;
mod grouping;
mod heartbeats;
mod home;
mod install;
mod live;
mod operations;
mod payloads;
mod pictures;
mod progress;
mod questions;
mod restart;
mod runbooks;
mod scenarios;
mod scenarios_logs;
mod scores;
mod slack_rights;
mod socket;
mod storm;
mod story;
mod webhooks;
mod world;
