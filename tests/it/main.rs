//! The one integration binary: every test that looks at the product from outside.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod alerts;
mod architecture;
mod cli;
mod commands;
mod conversation;
mod doors;
mod home;
mod questions;
mod restart;
mod scenarios;
mod scenarios_logs;
mod scores;
mod world;
