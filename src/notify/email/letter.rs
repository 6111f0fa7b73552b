//! A notice as an e-mail: plain text, and the same as simple HTML.

use std::fmt::Write as _;

use jiff::Timestamp;
use lettre::message::{
    Mailbox, Message, MultiPart, SinglePart,
    header::{HeaderName, HeaderValue},
};
use maud::{DOCTYPE, html};
use sha2::{Digest, Sha256};

use crate::notify::Notice;

/// The longest subject, in letters. Source: RFC 5322, 2.1.1, a line of 998 bytes.
const SUBJECT_MAX: usize = 240;

/// The whole message in bytes, as it goes over the wire but for its dots.
///
/// The same notice has the same Message-ID, so that a repetition is known as one; all messages of an incident refer to the same
/// id, so that mail programs keep them together.
///
/// # Errors
/// When the subject could begin a header of its own.
pub(super) fn write(notice: &Notice, from: &Mailbox, to: &[Mailbox], now: Timestamp) -> Result<Vec<u8>, String> {
    let subject = notice.subject();
    if subject.contains(char::is_control) {
        return Err("the headline is more than one line, which no subject may be".to_owned());
    }
    let subject: String = subject.chars().take(SUBJECT_MAX).collect();
    let domain = from.email.domain();
    let id = |what: &str, name: &str| format!("<{}@{domain}>", digest(&[what, name]));
    let mut message = Message::builder()
        .from(from.clone())
        .date(now.into())
        .message_id(Some(id("notice", &notice.key)))
        .subject(subject)
        // Nobody's out-of-office answers it (RFC 3834).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    if !notice.incident.is_empty() {
        let thread = id("incident", &notice.incident);
        message = message.in_reply_to(thread.clone()).references(thread);
    }
    for mailbox in to {
        message = message.to(mailbox.clone());
    }
    let body = MultiPart::alternative()
        .boundary(digest(&["boundary", &notice.key]))
        .singlepart(SinglePart::plain(plain(notice)))
        .singlepart(SinglePart::html(html(notice)));
    message.multipart(body).map(|message| message.formatted()).map_err(|_| "no e-mail can be made of it".to_owned())
}

/// 128 bits that only the same words give.
fn digest(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word.as_bytes());
    }
    hex::encode(hash.finalize()).chars().take(32).collect()
}

fn plain(notice: &Notice) -> String {
    let mut text = format!("{}\n", notice.subject());
    if !notice.lines.is_empty() {
        text.push('\n');
    }
    for line in &notice.lines {
        let _ = writeln!(text, "{}", visible(line));
    }
    if !notice.links.is_empty() {
        text.push('\n');
    }
    for (url, words) in &notice.links {
        let _ = writeln!(text, "{}: {}", visible(words), visible(url));
    }
    text
}

fn html(notice: &Notice) -> String {
    let shown = |text: &str| html! { @for (at, line) in visible(text).split('\n').enumerate() { @if at > 0 { br; } (line) } };
    // Only what a browser opens as a page: no `javascript:`, no `data:`.
    let is_web = |url: &str| ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    let page = html! {
        (DOCTYPE)
        html {
            body {
                p { strong { (notice.subject()) } }
                @for line in &notice.lines { p { (shown(line)) } "\n" }
                @for (url, words) in &notice.links {
                    @if is_web(url) { p { a href=(visible(url)) { (shown(words)) } } } @else { p { (shown(words)) ": " (visible(url)) } }
                    "\n"
                }
            }
        }
    };
    page.into_string()
}

/// Without control characters other than the end of a line and the tab.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
