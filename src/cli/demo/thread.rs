//! A Slack thread as text, for a terminal.

use serde_json::Value;

/// Every message of the thread: who, and what it says.
pub fn text(messages: &[Value]) -> String {
    let mut out = String::new();
    for (at, message) in messages.iter().enumerate() {
        if at == 1 {
            out.push_str(&format!("{}\n", "─".repeat(72)));
        }
        out.push_str(&format!("{}\n", author(message)));
        for line in body(message).lines() {
            out.push_str(&format!("{}{line}\n", if at == 0 { "  " } else { "    " }));
        }
        let reactions: Vec<String> =
            list(message, "reactions").iter().filter_map(|reaction| Some(format!(":{}:", reaction.get("name")?.as_str()?))).collect();
        if !reactions.is_empty() {
            out.push_str(&format!("  {}\n", reactions.join(" ")));
        }
        out.push('\n');
    }
    out
}

fn author(message: &Value) -> &str {
    let named = ["/bot_profile/name", "/username", "/user"].iter().find_map(|path| message.pointer(path).and_then(Value::as_str));
    named.unwrap_or("somebody")
}

fn body(message: &Value) -> String {
    let blocks = list(message, "blocks");
    if !blocks.is_empty() {
        return blocks.iter().map(block).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    }
    let mut lines = vec![field(message, "text")];
    for attachment in list(message, "attachments") {
        lines.extend(["pretext", "title", "text", "fallback"].iter().map(|key| field(attachment, key)));
    }
    lines.retain(|line| !line.is_empty());
    lines.dedup();
    lines.join("\n")
}

fn block(block: &Value) -> String {
    match field(block, "type").as_str() {
        "section" | "header" => block.pointer("/text/text").and_then(Value::as_str).map(plain).unwrap_or_default(),
        "context" => list(block, "elements").iter().map(|element| plain(&field(element, "text"))).collect::<Vec<_>>().join("  "),
        "actions" => {
            let labels = list(block, "elements").iter().filter_map(|element| element.pointer("/text/text").and_then(Value::as_str));
            labels.map(|label| format!("[{label}]")).collect::<Vec<_>>().join(" ")
        }
        "table" => table(list(block, "rows")),
        _ => String::new(),
    }
}

fn table(rows: &[Value]) -> String {
    let cells = |row: &Value| -> Vec<String> { row.as_array().into_iter().flatten().map(|cell| field(cell, "text")).collect() };
    rows.iter().skip(1).map(|row| format!("• {}", cells(row).join("  |  "))).collect::<Vec<_>>().join("\n")
}

/// mrkdwn without its marks: date tokens become their fallback, escapes their characters.
fn plain(mrkdwn: &str) -> String {
    let mut out = String::new();
    let mut rest = mrkdwn;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((token, tail)) = after.split_once('>') else { break };
        out.push_str(token.rsplit_once('|').map_or(token, |(_, shown)| shown));
        rest = tail;
    }
    out.push_str(rest);
    out.replace(['*', '\u{2060}'], "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn field(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
