//! Slack messages as they arrive: event envelopes, webhook bodies, attachments, blocks.

use serde_json::Value;

use super::{
    Recognised, change,
    draft::Draft,
    json::{self, items, text},
    listing, mrkdwn, post, sentence, title,
};
use crate::model::{Alert, AlertStatus, Link, Origin};

const MAX_PARTS: usize = 200;

/// One message, as plain text by place.
#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) sender: String,
    pub(super) person: bool,
    /// Attachment titles and header blocks: where alert senders put the name.
    pub(super) titles: Vec<String>,
    pub(super) texts: Vec<String>,
    pub(super) fallbacks: Vec<String>,
    pub(super) fields: Vec<(String, String)>,
    pub(super) links: Vec<Link>,
    pub(super) color: String,
    pub(super) footer: String,
    /// The small line above an attachment's title.
    pub(super) author: String,
    pub(super) ts: Value,
}

/// Whether JSON is something that Slack sends or that is posted to Slack.
pub(super) fn is_slack(value: &Value) -> bool {
    let kind = text(value, "type");
    if matches!(kind.as_str(), "event_callback" | "url_verification" | "events_api" | "message" | "app_rate_limited") {
        return value.get("event").is_some() || value.get("challenge").is_some() || kind != "events_api" || value.get("payload").is_some();
    }
    let posted = ["attachments", "blocks"].iter().any(|key| value.get(key).is_some_and(Value::is_array));
    let only_text = value.as_object().is_some_and(|map| {
        map.contains_key("text")
            && map.keys().all(|key| {
                matches!(
                    key.as_str(),
                    "text"
                        | "channel"
                        | "username"
                        | "icon_emoji"
                        | "icon_url"
                        | "ts"
                        | "user"
                        | "bot_id"
                        | "mrkdwn"
                        | "link_names"
                        | "thread_ts"
                        | "team"
                )
            })
    });
    posted || only_text
}

/// An event envelope or a bare message.
pub(super) fn parse(value: &Value, raw: &str) -> Recognised {
    match text(value, "type").as_str() {
        "url_verification" => return not("a Slack handshake"),
        "app_rate_limited" => return not("a notice of Slack that events were dropped"),
        "events_api" => return parse(json::at(value, &["payload"]), raw),
        _ => {}
    }
    match value.get("event") {
        Some(event) if event.is_object() => message(event, raw),
        _ => message(value, raw),
    }
}

/// One Slack message object (an event's `event` field): posted by another bot, a webhook or a person.
pub fn from_slack_message(message_object: &Value) -> Recognised {
    message(message_object, &message_object.to_string())
}

fn not(reason: &str) -> Recognised {
    Recognised::NotAnAlert { reason: reason.to_owned() }
}

fn message(event: &Value, raw: &str) -> Recognised {
    let kind = text(event, "type");
    if !kind.is_empty() && kind != "message" {
        return not(&format!("a Slack event of type `{}`", super::draft::cut(&kind, 60)));
    }
    let channel = text(event, "channel");
    let inner = match text(event, "subtype").as_str() {
        "" | "bot_message" | "thread_broadcast" | "file_share" | "me_message" => event,
        "message_changed" => json::at(event, &["message"]),
        other => return not(&format!("a Slack message of subtype `{}`", super::draft::cut(other, 60))),
    };
    let ts = text(inner, "ts");
    let changes = change::read(&gather(inner, None), json::time(&Value::String(ts.clone())));
    if !changes.is_empty() {
        return Recognised::Changes(changes);
    }
    let mut alerts = Vec::new();
    for part in parts(inner) {
        let post = gather(inner, part);
        if let Some(draft) = post::read(&post) {
            alerts.push(draft.finish(raw));
        }
    }
    for alert in &mut alerts {
        alert.origin = origin(&channel, &ts);
    }
    if alerts.is_empty() {
        return Recognised::Unknown { reason: "a Slack message that states no alert".to_owned() };
    }
    Recognised::Alerts(alerts)
}

fn origin(channel: &str, ts: &str) -> Origin {
    if channel.is_empty() || ts.is_empty() {
        return Alert::default().origin;
    }
    Origin::Slack { channel: channel.to_owned(), ts: ts.to_owned() }
}

/// Each attachment with a marked title is an alert of its own; otherwise the message is one.
fn parts(message: &Value) -> Vec<Option<&Value>> {
    let attachments = items(json::at(message, &["attachments"]));
    let marked = |attachment: &&Value| {
        let line = json::first(attachment, &["title", "fallback"]);
        super::subject::read(&line).is_some() || title::read(&line).marked
    };
    let own: Vec<Option<&Value>> = attachments.iter().filter(marked).take(MAX_PARTS).map(Some).collect();
    if own.len() > 1 { own } else { vec![None] }
}

/// The message's text by place; with `only`, of that attachment instead of all.
fn gather(message: &Value, only: Option<&Value>) -> Post {
    let mut post = Post {
        sender: json::first(message, &["bot_profile.name", "username", "user_profile.real_name"]),
        person: json::first(message, &["bot_id", "bot_profile.name", "username", "subtype", "app_id"]).is_empty()
            && !json::first(message, &["user", "client_msg_id"]).is_empty(),
        ..Post::default()
    };
    match only {
        Some(attachment) => post.attachment(attachment),
        None => {
            let blocks = items(json::at(message, &["blocks"]));
            blocks.iter().take(MAX_PARTS).for_each(|block| post.block(block));
            post.text(&text(message, "text"));
            items(json::at(message, &["attachments"])).iter().take(MAX_PARTS).for_each(|attachment| post.attachment(attachment));
        }
    }
    post
}

impl Post {
    fn plain(&mut self, marked_up: &str) -> String {
        let (plain, links) = mrkdwn::plain(marked_up);
        self.links.extend(links.into_iter().take(MAX_PARTS));
        plain
    }

    fn text(&mut self, marked_up: &str) {
        let plain = self.plain(marked_up);
        if !plain.trim().is_empty() && !self.texts.contains(&plain) {
            self.texts.push(plain);
        }
    }

    fn title(&mut self, marked_up: &str) {
        let plain = self.plain(marked_up);
        if !plain.trim().is_empty() {
            self.titles.push(plain);
        }
    }

    fn field(&mut self, key: &str, value: &str) {
        let (key, value) = (self.plain(key), self.plain(value));
        if !value.trim().is_empty() {
            self.fields.push((super::words::plain(key.trim().trim_end_matches(':')), value.trim().to_owned()));
        }
    }

    fn attachment(&mut self, attachment: &Value) {
        self.title(&text(attachment, "title"));
        let link = text(attachment, "title_link");
        self.links.push(Link { title: "Source".into(), url: link });
        self.text(&text(attachment, "pretext"));
        self.text(&text(attachment, "text"));
        let fallback = self.plain(&text(attachment, "fallback"));
        if !fallback.is_empty() && !fallback.starts_with("[no preview") {
            self.fallbacks.push(fallback);
        }
        for field in items(json::at(attachment, &["fields"])).iter().take(MAX_PARTS) {
            self.field(&text(field, "title"), &text(field, "value"));
        }
        for action in items(json::at(attachment, &["actions"])).iter().take(MAX_PARTS) {
            let name = self.plain(&json::first(action, &["text", "text.text"]));
            self.links.push(Link { title: name, url: text(action, "url") });
        }
        for (slot, key) in [(&mut self.color, "color"), (&mut self.footer, "footer"), (&mut self.author, "author_name")] {
            if slot.is_empty() {
                *slot = text(attachment, key);
            }
        }
        if self.ts.is_null() {
            self.ts = json::at(attachment, &["ts"]).clone();
        }
        items(json::at(attachment, &["blocks"])).iter().take(MAX_PARTS).for_each(|block| self.block(block));
    }

    fn block(&mut self, block: &Value) {
        match text(block, "type").as_str() {
            "header" => self.title(&text(block, "text.text")),
            "section" | "markdown" | "alert" => {
                self.text(&json::first(block, &["text.text", "text"]));
                for field in items(json::at(block, &["fields"])).iter().take(MAX_PARTS) {
                    let plain = self.plain(&text(field, "text"));
                    match plain.trim().split_once(['\n', ':']) {
                        Some((key, value)) => self.field(key, value),
                        None => self.text(&plain),
                    }
                }
                self.button(json::at(block, &["accessory"]));
            }
            "context" => {
                for element in items(json::at(block, &["elements"])).iter().take(MAX_PARTS) {
                    self.text(&text(element, "text"));
                }
            }
            "actions" => items(json::at(block, &["elements"])).iter().take(MAX_PARTS).for_each(|element| self.button(element)),
            "rich_text" => {
                let mut out = String::new();
                rich(json::at(block, &["elements"]), &mut out);
                if !out.trim().is_empty() && !self.texts.contains(&out) {
                    self.texts.push(out);
                }
            }
            _ => {}
        }
    }

    fn button(&mut self, element: &Value) {
        let name = self.plain(&text(element, "text.text"));
        self.links.push(Link { title: name, url: text(element, "url") });
    }

    /// All text, for prose and for the description.
    pub(super) fn body(&self) -> String {
        self.texts.join("\n")
    }

    pub(super) fn listing(&self) -> listing::Listing {
        let mut listing = listing::read(&self.body());
        let fields = self.fields.iter().cloned();
        listing.pairs = fields.chain(std::mem::take(&mut listing.pairs)).collect();
        listing
    }

    /// Red, amber and green as Slack and its senders write them: by name, or by which part of the colour is strongest.
    pub(super) fn status_of_color(&self) -> Option<AlertStatus> {
        let color = self.color.trim_start_matches('#').to_lowercase();
        match color.as_str() {
            "danger" | "warning" | "bad" => return Some(AlertStatus::Firing),
            "good" => return Some(AlertStatus::Resolved),
            _ => {}
        }
        let part = |at: usize| color.get(at..at + 2).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let (red, green, blue) = (part(0)?, part(2)?, part(4)?);
        if green > red + red / 4 && green > blue + blue / 10 {
            return Some(AlertStatus::Resolved);
        }
        (red >= green && red > blue + blue / 3).then_some(AlertStatus::Firing)
    }

    /// One sentence that states a symptom, if the message is nothing more.
    pub(super) fn sentence(&self) -> Option<String> {
        let all = [self.titles.as_slice(), self.texts.as_slice(), self.fallbacks.as_slice()].concat().join("\n");
        (sentence::is_alert(&all)).then_some(all)
    }
}

/// The text of rich text, depth first; Slack nests it a few levels at most.
fn rich(elements: &Value, out: &mut String) {
    for element in items(elements).iter().take(MAX_PARTS) {
        match text(element, "type").as_str() {
            "text" => out.push_str(element.get("text").and_then(Value::as_str).unwrap_or("")),
            "link" => out.push_str(&json::first(element, &["text", "url"])),
            kind => {
                rich(json::at(element, &["elements"]), out);
                if kind.starts_with("rich_text_") {
                    out.push('\n');
                }
            }
        }
    }
}

/// Draft of a message that only the caller's text readers understand.
pub(super) fn plain_post(text: &str) -> Option<Draft> {
    let mut post = Post { sender: "text".into(), ..Post::default() };
    post.text(text);
    post::read(&post)
}
