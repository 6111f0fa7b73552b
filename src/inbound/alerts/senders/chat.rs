//! Bodies for other chats that end up at a webhook: Discord's embeds, Teams' cards, Google Chat's text.

use serde_json::Value;

use super::super::{
    Recognised,
    json::{self, at, has, items, text},
    post,
    slack::Post,
};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let mut post = Post::default();
    if has(body, &["embeds"]) {
        post.sender = text(body, "username");
        for embed in items(at(body, &["embeds"])).iter().take(10) {
            post.titles.push(text(embed, "title"));
            post.texts.push(text(embed, "description"));
            for field in items(at(embed, &["fields"])).iter().take(50) {
                post.fields.push((super::super::words::plain(&text(field, "name")), text(field, "value")));
            }
        }
        post.texts.push(text(body, "content"));
    } else if text(body, "@type") == "MessageCard" {
        post.titles.push(json::first(body, &["title", "summary"]));
        post.texts.push(text(body, "text"));
        post.color = text(body, "themeColor");
        for section in items(at(body, &["sections"])).iter().take(20) {
            post.texts.push(json::first(section, &["activityTitle", "title", "text"]));
            for fact in items(at(section, &["facts"])).iter().take(50) {
                post.fields.push((super::super::words::plain(text(fact, "name").trim_end_matches(':')), text(fact, "value")));
            }
        }
    } else if text(body, "attachments.0.contentType") == "application/vnd.microsoft.card.adaptive" {
        card(at(body, &["attachments", "0", "content", "body"]), &mut post);
    } else {
        return None;
    }
    post.titles.retain(|line| !line.trim().is_empty());
    post.texts.retain(|line| !line.trim().is_empty());
    Some(match post::read(&post) {
        Some(draft) => Recognised::Alerts(vec![draft.finish(raw)]),
        None => Recognised::Unknown { reason: "a chat message that states no alert".into() },
    })
}

/// An adaptive card's text blocks and fact sets; the first block is its title.
fn card(body: &Value, post: &mut Post) {
    for element in items(body).iter().take(100) {
        match text(element, "type").as_str() {
            "TextBlock" if post.titles.is_empty() => post.titles.push(text(element, "text")),
            "TextBlock" => post.texts.push(text(element, "text")),
            "FactSet" => {
                for fact in items(at(element, &["facts"])).iter().take(50) {
                    post.fields.push((super::super::words::plain(text(fact, "title").trim_end_matches(':')), text(fact, "value")));
                }
            }
            _ => card(if element.get("items").is_some() { at(element, &["items"]) } else { at(element, &["columns"]) }, post),
        }
    }
}
