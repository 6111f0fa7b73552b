//! Conversations with the sandbox over real HTTP: what an app may do, what it gets, what Slack would refuse.

mod app;
mod delivery;
mod interaction;
mod limits;
mod page;
mod samples;
mod socket;
mod streams;
mod web_api;
