//! What the bot says. One function per message, each `data -> model::Message` or text; sending is somebody else's step.

mod card;
mod conclude;
mod details;
mod findings;
mod json;
mod plain;
mod pointer;
mod state;
mod storm;
#[cfg(test)]
mod tests;
mod words;

pub use card::{card, notice};
pub use conclude::conclude;
pub use details::details;
pub use findings::findings;
pub use json::json;
pub use plain::{markdown, text};
pub use pointer::pointer;
pub use storm::{storm, storm_page, waits};
