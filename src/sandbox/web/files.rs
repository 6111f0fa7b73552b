//! Uploading files the present way: ask for a URL, send the bytes there, then share.

use axum::{
    body::Bytes,
    extract::{Path, State as Shared},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::{
    Sandbox,
    message::{Message, own_sender},
    workspace::{BOT_USER, File},
};

type Answer = Result<Value, Refusal>;

/// `files.getUploadURLExternal`.
pub fn upload_url(context: &mut Context<'_>, args: &Args) -> Answer {
    let name = args.need("filename")?.to_owned();
    let length = args.number("length").filter(|n| *n > 0);
    let length = length.ok_or_else(|| Refusal::arguments("missing required field: length"))?;
    let alt = args.str("alt_txt").map(str::to_owned);
    if alt.as_ref().is_some_and(|alt| alt.chars().count() > 1000) {
        return Err(Refusal::new("alt_txt_too_large"));
    }
    let id = context.state.next_id("F0");
    context.state.files.insert(id.clone(), File { name, title: None, alt, length, content: None, shared: false });
    Ok(json!({"upload_url": format!("{}/upload/v1/{id}", context.state.base_url), "file_id": id}))
}

/// Takes the bytes; a multipart body is taken apart at its boundary.
pub async fn upload(
    Shared(sandbox): Shared<Sandbox>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let content = match kind.split_once("boundary=") {
        Some((_, boundary)) => part(&body, boundary.trim_matches('"')).unwrap_or_default().to_vec(),
        None => body.to_vec(),
    };
    let mut state = sandbox.state();
    let Some(file) = state.files.get_mut(&id) else { return (StatusCode::NOT_FOUND, "no such upload".to_owned()) };
    if content.len() != file.length {
        return (StatusCode::BAD_REQUEST, "length does not match".to_owned());
    }
    let answer = format!("OK - {}", content.len());
    file.content = Some(content);
    (StatusCode::OK, answer)
}

/// The bytes of a file that was shared, for the page.
pub async fn download(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> axum::response::Response {
    let state = sandbox.state();
    let Some((kind, content)) = state.files.get(&id).and_then(|file| Some((mime(&file.name), file.content.clone()?))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], content).into_response()
}

/// What a file is by its name; everything unknown is shown as text, never run.
fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "png" => "image/png",
        _ => "text/plain; charset=utf-8",
    }
}

/// The content of the first part of a multipart body.
fn part<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|w| w == what);
    let start = find(body, b"\r\n\r\n")? + 4;
    let rest = body.get(start..)?;
    rest.get(..find(rest, format!("\r\n--{boundary}").as_bytes())?)
}

/// `files.completeUploadExternal`: shares the files in a channel or thread.
pub fn complete(context: &mut Context<'_>, args: &Args) -> Answer {
    let files = args.json("files").map_err(|()| Refusal::new("invalid_arguments"))?;
    let files = files.ok_or_else(|| Refusal::arguments("missing required field: files"))?.into_owned();
    let channel = match args.str("channel_id").or_else(|| args.str("channels")) {
        None => None,
        Some(key) => {
            let place = context.state.channel(key).ok_or_else(|| Refusal::new("channel_not_found"))?;
            if !place.members.contains(BOT_USER) {
                return Err(Refusal::new("not_in_channel"));
            }
            if place.archived {
                return Err(Refusal::new("is_archived"));
            }
            if args.str("thread_ts").is_some_and(|ts| place.message(ts).is_none_or(|root| root.thread_ts.is_some())) {
                return Err(Refusal::new("invalid_arguments"));
            }
            Some(place.id.clone())
        }
    };
    let mut shared = Vec::new();
    for wanted in files.as_array().into_iter().flatten() {
        let id = wanted.get("id").and_then(Value::as_str).unwrap_or_default();
        let base = context.state.base_url.clone();
        let file = context.state.files.get_mut(id).filter(|f| f.content.is_some() && !f.shared);
        let file = file.ok_or_else(|| Refusal::new("file_not_found"))?;
        file.shared = true;
        file.title = wanted.get("title").and_then(Value::as_str).map(str::to_owned);
        shared.push(describe(id, file, &base, context.now.as_second()));
    }
    if let Some(channel) = channel {
        let mut body = own_sender(&context.config.app_name);
        body.insert("text".to_owned(), args.str("initial_comment").unwrap_or_default().into());
        body.insert("files".to_owned(), shared.clone().into());
        body.insert("subtype".to_owned(), "file_share".into());
        let thread_ts = args.str("thread_ts").map(str::to_owned);
        context.store(&channel, Message { ours: true, thread_ts, body, ..Message::default() });
    }
    Ok(json!({"files": shared}))
}

fn describe(id: &str, file: &File, base: &str, now: i64) -> Value {
    let kind = file.name.rsplit_once('.').map_or("text", |(_, end)| end);
    let title = file.title.as_deref().unwrap_or(&file.name);
    let url = format!("{base}/files/{id}");
    let mut out = Map::new();
    let fields = json!({
        "id": id, "created": now, "timestamp": now, "name": file.name, "title": title, "filetype": kind,
        "mimetype": mime(&file.name), "alt_txt": file.alt, "pretty_type": kind, "user": BOT_USER, "size": file.length, "mode": "hosted",
        "is_external": false, "is_public": true, "public_url_shared": false, "url_private": url,
        "url_private_download": url, "permalink": url, "editable": false,
    });
    if let Some(fields) = fields.as_object() {
        out.extend(fields.clone());
    }
    if let Some(text) = file.content.as_deref().and_then(|c| std::str::from_utf8(c).ok()) {
        out.insert("preview".to_owned(), text.chars().take(600).collect::<String>().into());
    }
    Value::Object(out)
}
