//! Message parts to Block Kit, within Slack's limits by construction: what does not fit is cut with an ellipsis, never refused by Slack.

mod elements;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use elements::about;

use super::mrkdwn;
use crate::model::{Form, Message, Part, Span, Text};

// Source of every limit: Slack's Block Kit reference (see `docs.slack.dev/reference/block-kit`).
const BLOCKS_MAX: usize = 50;
const SECTION_MAX: usize = 3000;
const CONTEXT_MAX: usize = 2000;
const TABLE_ROWS_MAX: usize = 100;
const TABLE_COLUMNS_MAX: usize = 20;
const TABLE_CHARS_MAX: usize = 10_000;
/// A cell up to this long is a word or two and is not wrapped.
const TABLE_WORD_MAX: usize = 24;
/// Slack advises at most this much fallback text.
const TEXT_MAX: usize = 3000;
const MODAL_TITLE_MAX: usize = 24;
const VIEW_BLOCKS_MAX: usize = 100;
const HEADER_MAX: usize = 150;
const ID_MAX: usize = 255;
const PRIVATE_METADATA_MAX: usize = 3000;

/// The message as a `chat.postMessage` body without channel and thread.
pub fn message(message: &Message) -> Value {
    json!({"text": cut_escaped(&mrkdwn::escape(&message.text), TEXT_MAX), "blocks": blocks(&message.parts, BLOCKS_MAX)})
}

/// The same message for a workspace that refuses newer blocks: sections, context and buttons only.
pub fn plain_message(message: &Message) -> Value {
    let plain = |part: &Part| match part {
        Part::Table { header, rows } => rows_as_sections(header, rows),
        Part::Plan { title, tasks } => vec![elements::plan_as_text(title, tasks)],
        Part::Feedback { id, value, good, bad } => elements::feedback_as_buttons(id, value, good, bad).into_iter().collect(),
        other => block(other).into_iter().collect(),
    };
    let blocks = bounded_blocks(message.parts.iter().flat_map(plain).collect(), BLOCKS_MAX);
    json!({"text": cut_escaped(&mrkdwn::escape(&message.text), TEXT_MAX), "blocks": blocks})
}

/// The message's plans as chunks of a stream. `delivery` goes into the steps' ids, by which the message is found again.
pub fn chunks(message: &Message, delivery: &str) -> Vec<Value> {
    let plan = |part: &Part| match part {
        Part::Plan { title, tasks } => elements::plan_chunks(title, tasks, delivery),
        _ => Vec::new(),
    };
    message.parts.iter().flat_map(plan).collect()
}

/// The parts as a modal that only closes.
pub fn modal(title: &str, parts: &[Part]) -> Value {
    form(&Form { callback: String::new(), title: title.to_owned(), submit: String::new(), context: String::new(), parts: parts.to_vec() })
}

/// A modal that is filled in, or only read when it has no `submit`.
pub fn form(form: &Form) -> Value {
    let mut view = json!({
        "type": "modal",
        "title": plain_text(&form.title, MODAL_TITLE_MAX),
        "close": plain_text(if form.submit.is_empty() { "Close" } else { "Cancel" }, MODAL_TITLE_MAX),
        "blocks": blocks(&form.parts, VIEW_BLOCKS_MAX),
    });
    if let Some(fields) = view.as_object_mut() {
        if !form.submit.is_empty() {
            fields.insert("submit".to_owned(), plain_text(&form.submit, MODAL_TITLE_MAX));
        }
        if !form.callback.is_empty() {
            fields.insert("callback_id".to_owned(), cut(&form.callback, ID_MAX).into());
        }
        if !form.context.is_empty() {
            fields.insert("private_metadata".to_owned(), cut(&form.context, PRIVATE_METADATA_MAX).into());
        }
    }
    view
}

/// The parts as a person's home tab.
pub fn home(parts: &[Part]) -> Value {
    json!({"type": "home", "blocks": blocks(parts, VIEW_BLOCKS_MAX)})
}

fn blocks(parts: &[Part], most: usize) -> Vec<Value> {
    // A view takes neither tables nor plans nor Slack's own thumbs.
    let view = most == VIEW_BLOCKS_MAX;
    let mut table_used = view;
    let mut out = Vec::new();
    for part in parts {
        match part {
            // Slack takes one table per message and none in a view; the others become text.
            Part::Table { header, rows } if table_used || header.is_empty() => out.extend(rows_as_sections(header, rows)),
            Part::Table { header, rows } => {
                table_used = true;
                out.push(table(header, rows));
            }
            Part::Plan { title, tasks } if view => out.push(elements::plan_as_text(title, tasks)),
            Part::Feedback { id, value, good, bad } if view => out.extend(elements::feedback_as_buttons(id, value, good, bad)),
            other => out.extend(block(other)),
        }
    }
    bounded_blocks(out, most)
}

/// No more blocks than Slack takes, and no block's id twice.
fn bounded_blocks(mut blocks: Vec<Value>, most: usize) -> Vec<Value> {
    if blocks.len() > most {
        blocks.truncate(most - 1);
        blocks.push(context(&Text::new().plain("… cut here: Slack takes no more in one message.")));
    }
    let mut taken = BTreeSet::new();
    for (at, block) in blocks.iter_mut().enumerate() {
        let Some(id) = block.get("block_id").and_then(Value::as_str).map(str::to_owned) else { continue };
        if !taken.insert(id.clone())
            && let Some(fields) = block.as_object_mut()
        {
            fields.insert("block_id".to_owned(), format!("{}|{at}", cut(&id, ID_MAX - 8)).into());
        }
    }
    blocks
}

fn block(part: &Part) -> Option<Value> {
    let built = match part {
        Part::Header(text) if text.trim().is_empty() => return None,
        Part::Header(text) => json!({"type": "header", "text": plain_text(text, HEADER_MAX)}),
        Part::Section(text) | Part::Context(text) if text.is_empty() => return None,
        Part::Section(text) => section(bounded(text, SECTION_MAX)),
        Part::Item(text, action) => with_accessory(section(bounded(text, SECTION_MAX)), elements::element(action)?),
        Part::Context(text) => context(text),
        Part::Excerpt(text) => {
            let inner = mrkdwn::escape(&text.replace("```", "'''"));
            section(format!("```{}```", cut_escaped(&inner, SECTION_MAX - 8)))
        }
        Part::Actions(actions) => return elements::actions(actions),
        Part::Plan { title, tasks } => elements::plan(title, tasks),
        Part::Feedback { id, value, good, bad } => elements::feedback(id, value, good, bad),
        Part::Input(input) => elements::input(input),
        Part::Divider => json!({"type": "divider"}),
        Part::Table { .. } => return None,
    };
    Some(built)
}

fn with_accessory(mut section: Value, accessory: Value) -> Value {
    if let Some(fields) = section.as_object_mut() {
        fields.insert("accessory".to_owned(), accessory);
    }
    section
}

fn plain_text(text: &str, most: usize) -> Value {
    json!({"type": "plain_text", "text": filled(text, most), "emoji": true})
}

/// Slack refuses empty words.
fn filled(text: &str, most: usize) -> String {
    if text.trim().is_empty() { "–".to_owned() } else { cut(text, most) }
}

/// Verbatim: Slack must not make links, channels or mentions out of words that came from data.
fn mrkdwn_text(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn section(text: String) -> Value {
    json!({"type": "section", "text": mrkdwn_text(&text)})
}

fn context(text: &Text) -> Value {
    json!({"type": "context", "elements": [mrkdwn_text(&bounded(text, CONTEXT_MAX))]})
}

fn table(header: &[String], rows: &[Vec<String>]) -> Value {
    let mut left = TABLE_CHARS_MAX;
    let mut out: Vec<Vec<Value>> = Vec::new();
    for row in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)).take(TABLE_ROWS_MAX) {
        let cells: Vec<String> = row.iter().take(TABLE_COLUMNS_MAX).map(|cell| filled(cell, TABLE_CHARS_MAX)).collect();
        let size: usize = cells.iter().map(|cell| cell.chars().count()).sum();
        if size > left {
            break;
        }
        if cells.is_empty() {
            continue;
        }
        left -= size;
        out.push(cells.into_iter().map(|cell| json!({"type": "raw_text", "text": cell})).collect());
    }
    // Only the columns with sentences wrap; the others stay as narrow as their words.
    let long = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.chars().count() > TABLE_WORD_MAX));
    let settings: Vec<Value> = (0..header.len().min(TABLE_COLUMNS_MAX)).map(|column| json!({"is_wrapped": long(column)})).collect();
    if out.is_empty() {
        // The header alone is more than a table holds.
        return context(&Text::new().plain("The table is too large to be shown here."));
    }
    json!({"type": "table", "rows": out, "column_settings": settings})
}

fn rows_as_sections(header: &[String], rows: &[Vec<String>]) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            let text = row.iter().zip(header).fold(Text::new(), |text, (cell, name)| text.bold(name.clone()).plain(format!("  {cell}\n")));
            section(bounded(&text, SECTION_MAX))
        })
        .collect()
}

/// Renders span by span until the limit, so that a cut never falls inside an escape or a token.
fn bounded(text: &Text, most: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for span in &text.0 {
        let shown = mrkdwn::render(&Text(vec![span.clone()]));
        let size = shown.chars().count();
        if used + size <= most {
            out.push_str(&shown);
            used += size;
            continue;
        }
        if let Span::Plain(words) = span {
            let room = most.saturating_sub(used + 1);
            out.push_str(&longest_that_fits(words, room));
        }
        // What is full to the last character has no room for the mark either.
        if used < most {
            out.push('…');
        }
        break;
    }
    if out.trim().is_empty() { "–".to_owned() } else { out }
}

/// As much of the words as fits into `room` characters once it is escaped.
fn longest_that_fits(words: &str, room: usize) -> String {
    let chars: Vec<char> = words.chars().collect();
    let shown = |count: usize| mrkdwn::render(&Text::new().plain(chars.iter().take(count).collect::<String>()));
    let (mut least, mut most) = (0, chars.len().min(room));
    while least < most {
        let middle = (least + most).div_ceil(2);
        if shown(middle).chars().count() <= room { least = middle } else { most = middle - 1 }
    }
    shown(least)
}

/// At most `most` characters, with an ellipsis where something was cut.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Like [`cut`], for text that is escaped already: an escape is kept whole or left out.
fn cut_escaped(text: &str, most: usize) -> String {
    let mut out = cut(text, most);
    if out.len() < text.len() {
        let start = out.rfind('&').filter(|at| !out.get(*at..).unwrap_or_default().contains(';'));
        if let Some(start) = start {
            out.truncate(start);
            out.push('…');
        }
    }
    out
}
