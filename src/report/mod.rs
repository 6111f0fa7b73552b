//! What the bot says. One function per message, each `data -> model::Message` or text; sending is somebody else's step.

pub mod answers;
mod background;
mod card;
mod conclude;
mod details;
mod findings;
pub mod forms;
mod json;
mod plain;
mod services;
mod state;
#[cfg(test)]
mod tests;
mod words;

pub use background::background;
pub use card::{card, notice};
pub use conclude::conclude;
pub use details::{details, details_page, known};
pub use findings::findings;
pub use forms::feedback;
pub use json::json;
pub use plain::{markdown, text};
pub use services::{Service, Services, ServicesError};
pub use state::state_line;
