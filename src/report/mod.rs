//! What the bot says. One function per message, each `data -> model::Message` or text; sending is somebody else's step.

mod card;
mod conclude;
mod details;
mod findings;
mod json;
mod picture;
mod plain;
mod progress;
#[cfg(test)]
mod tests;
mod words;

pub use card::{card, notice};
pub use conclude::conclude;
pub use details::details;
pub use findings::findings;
pub use json::json;
pub use picture::{Picture, timeline_picture};
pub use plain::{evidence, markdown, text};
pub use progress::{Looker, Looking, progress};
