//! What the bot says. One function per message, each `data -> model::Message` or text; sending is somebody else's step.

mod card;
mod conclude;
mod details;
mod doctor;
mod findings;
mod json;
mod plain;
#[cfg(test)]
mod tests;
mod words;

pub use card::{card, notice};
pub use conclude::conclude;
pub use details::details;
pub use doctor::doctor_text;
pub use findings::findings;
pub use json::json;
pub use plain::{markdown, text};
