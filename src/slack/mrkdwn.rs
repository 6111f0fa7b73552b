//! Typed text to Slack's mrkdwn: everything from data is escaped, so that nothing in it can become a mention, a link or a command.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::model::{Span, Text};

/// Slack's three escapes. Source: docs.slack.dev, "Formatting message text".
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain words inside mrkdwn: escaped, and with a word joiner where `*`, `_`, `~`, backquotes or `:name:` would become formatting.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width word joiner on both sides keeps the character and takes its meaning.
            '*' | '~' | '`' => out.extend(['\u{2060}', c, '\u{2060}']),
            '_' => out.extend(['_', '\u{2060}']),
            ':' => out.extend([':', '\u{2060}']),
            c => out.push(c),
        }
    }
    // A colon before a space or the end starts no emoji: leave those as they are.
    out.replace(":\u{2060} ", ": ").replace(":\u{2060}\n", ":\n").replace(":\u{2060}/", ":/")
}

/// The whole text as mrkdwn.
pub fn render(text: &Text) -> String {
    text.0.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Plain(text) => plain(text),
        Span::Bold(text) if text.trim().is_empty() => plain(text),
        Span::Bold(text) => format!("*{}*", plain(text.trim())),
        Span::Code(text) if text.trim().is_empty() => String::new(),
        Span::Code(text) => format!("`{}`", escape(&text.replace('`', "'").replace('\n', " "))),
        Span::Link { url, text } => format!("<{}|{}>", escape(url).replace('|', "%7C"), escape(text).replace('|', "/")),
        Span::User(id) if id.chars().all(|c| c.is_ascii_alphanumeric()) => format!("<@{id}>"),
        Span::User(id) => plain(id),
        Span::Time(at) => time(*at),
        Span::Evidence(id) => format!("`{id}`"),
        Span::Emoji(name) => format!(":{name}:"),
    }
}

/// A date token: each reader sees local time, everything else shows UTC.
fn time(at: Timestamp) -> String {
    format!("<!date^{}^{{time}}|{} UTC>", at.as_second(), at.strftime("%H:%M"))
}
