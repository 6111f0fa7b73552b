//! What the bot says. One function per message, each `data -> model::Message` or text; sending is somebody else's step.

mod answer;
mod card;
mod conclude;
mod details;
mod findings;
mod handoff;
mod help;
mod home;
mod json;
mod lists;
mod plain;
mod postmortem;
mod runbook;
mod similar;
mod stats;
#[cfg(test)]
mod tests;
mod unfurl;
mod why;
mod words;

pub use answer::{Known, answer, comparison, further, known_question};
pub use card::{card, notice};
pub use conclude::conclude;
pub use details::details;
pub use findings::findings;
pub use handoff::{SHIFT, handoff};
pub use help::{COMMANDS, CommandHelp, help, sentence};
pub use home::{Health, Home, doctor, home};
pub use json::json;
pub use lists::{incidents, is_person, show, status, which};
pub use plain::{markdown, text};
pub use postmortem::{Names, postmortem, postmortem_markdown};
pub use runbook::runbook;
pub use similar::{Past, similar};
pub use stats::stats;
pub use unfurl::unfurl;
pub use why::why;
