//! Message parts to Block Kit, within Slack's limits by construction: what does not fit is cut with an ellipsis, never refused by Slack.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement, SlackBlockButtonStyle, SlackBlockMarkDownText,
    SlackBlockPlainText, SlackContextBlock, SlackContextBlockElement, SlackDividerBlock, SlackSectionBlock, SlackTableBlock,
    SlackTableCell, SlackTableColumnSetting,
};

use super::mrkdwn;
use crate::model::{Action, ActionStyle, Message, Part, Span, Text};

// Source of every limit: Slack's Block Kit reference (see `docs.slack.dev/reference/block-kit`).
const BLOCKS_MAX: usize = 50;
const SECTION_MAX: usize = 3000;
const CONTEXT_MAX: usize = 2000;
const BUTTON_LABEL_MAX: usize = 75;
const BUTTON_VALUE_MAX: usize = 2000;
const ACTIONS_MAX: usize = 25;
const TABLE_ROWS_MAX: usize = 100;
const TABLE_COLUMNS_MAX: usize = 20;
const TABLE_CHARS_MAX: usize = 10_000;
/// A cell up to this long is a word or two and is not wrapped.
const TABLE_WORD_MAX: usize = 24;
/// Slack advises at most this much fallback text.
const TEXT_MAX: usize = 3000;
const MODAL_TITLE_MAX: usize = 24;
const MODAL_BLOCKS_MAX: usize = 100;

/// The message as a `chat.postMessage` body without channel and thread.
pub fn message(message: &Message) -> Value {
    json!({"text": cut_escaped(&mrkdwn::escape(&message.text), TEXT_MAX), "blocks": blocks(&message.parts, BLOCKS_MAX)})
}

/// The same message for a workspace that refuses newer blocks: sections, context and buttons only.
pub fn plain_message(message: &Message) -> Value {
    let plain = |part: &Part| match part {
        Part::Table { header, rows } => rows_as_sections(header, rows),
        other => block(other).into_iter().collect(),
    };
    let mut blocks: Vec<SlackBlock> = message.parts.iter().flat_map(plain).collect();
    blocks.truncate(BLOCKS_MAX);
    json!({"text": cut_escaped(&mrkdwn::escape(&message.text), TEXT_MAX), "blocks": blocks})
}

/// The parts as a modal that only closes.
pub fn modal(title: &str, parts: &[Part]) -> Value {
    json!({
        "type": "modal",
        "title": {"type": "plain_text", "text": cut(title, MODAL_TITLE_MAX)},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": blocks(parts, MODAL_BLOCKS_MAX),
    })
}

fn blocks(parts: &[Part], most: usize) -> Vec<SlackBlock> {
    let mut table_used = false;
    let mut out = Vec::new();
    for part in parts {
        match part {
            // Slack takes one table per message; a second one becomes text.
            Part::Table { header, rows } if table_used || most == MODAL_BLOCKS_MAX => out.extend(rows_as_sections(header, rows)),
            Part::Table { header, rows } => {
                table_used = true;
                out.push(table(header, rows));
            }
            other => out.extend(block(other)),
        }
    }
    if out.len() > most {
        out.truncate(most - 1);
        out.push(context(&Text::new().plain("… cut here: Slack takes no more in one message.")));
    }
    out
}

fn block(part: &Part) -> Option<SlackBlock> {
    match part {
        Part::Section(text) if text.is_empty() => None,
        Part::Section(text) => Some(section(bounded(text, SECTION_MAX))),
        Part::Context(text) if text.is_empty() => None,
        Part::Context(text) => Some(context(text)),
        Part::Excerpt(text) => {
            let inner = mrkdwn::escape(&text.replace("```", "'''"));
            Some(section(format!("```{}```", cut_escaped(&inner, SECTION_MAX - 8))))
        }
        Part::Actions(actions) if actions.is_empty() => None,
        Part::Actions(actions) => {
            let elements: Vec<SlackActionBlockElement> = actions.iter().take(ACTIONS_MAX).map(|action| button(action).into()).collect();
            Some(SlackActionsBlock::new(elements).into())
        }
        Part::Divider => Some(SlackDividerBlock::new().into()),
        Part::Table { .. } => None,
    }
}

/// Verbatim: Slack must not make links, channels or mentions out of words that came from data.
fn mrkdwn_text(text: String) -> SlackBlockMarkDownText {
    SlackBlockMarkDownText::new(text).with_verbatim(true)
}

fn section(text: String) -> SlackBlock {
    SlackSectionBlock::new().with_text(mrkdwn_text(text).into()).into()
}

fn context(text: &Text) -> SlackBlock {
    let element: SlackContextBlockElement = mrkdwn_text(bounded(text, CONTEXT_MAX)).into();
    SlackContextBlock::new(vec![element]).into()
}

fn button(action: &Action) -> SlackBlockButtonElement {
    let label = SlackBlockPlainText::new(cut(&action.label, BUTTON_LABEL_MAX));
    let button = SlackBlockButtonElement::new(label.into())
        .with_action_id(action.id.as_str().into())
        .with_value(cut(&action.value, BUTTON_VALUE_MAX));
    match action.style {
        ActionStyle::Plain => button,
        ActionStyle::Primary => button.with_style(SlackBlockButtonStyle::Primary),
        ActionStyle::Danger => button.with_style(SlackBlockButtonStyle::Danger),
    }
}

fn table(header: &[String], rows: &[Vec<String>]) -> SlackBlock {
    let mut left = TABLE_CHARS_MAX;
    let mut out: Vec<Vec<SlackTableCell>> = Vec::new();
    for row in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)).take(TABLE_ROWS_MAX) {
        let cells: Vec<String> =
            row.iter().take(TABLE_COLUMNS_MAX).map(|cell| if cell.is_empty() { "–".to_owned() } else { cell.clone() }).collect();
        let size: usize = cells.iter().map(|cell| cell.chars().count()).sum();
        if size > left {
            break;
        }
        left -= size;
        out.push(cells.into_iter().map(SlackTableCell::from).collect());
    }
    // Only the columns with sentences wrap; the others stay as narrow as their words.
    let long = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.chars().count() > TABLE_WORD_MAX));
    let settings =
        (0..header.len().min(TABLE_COLUMNS_MAX)).map(|column| SlackTableColumnSetting::new().with_is_wrapped(long(column))).collect();
    SlackTableBlock::new(out).with_column_settings(settings).into()
}

fn rows_as_sections(header: &[String], rows: &[Vec<String>]) -> Vec<SlackBlock> {
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
        out.push('…');
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
