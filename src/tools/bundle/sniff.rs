//! One file's bytes in, observations out: what it is, is told from its content.

use serde_json::{Deserializer, Value};

use super::{
    database, describe, logs, mongod, objects, pasted, rescue, table, telemetry, transcript,
    wrapping::{self, Inner, cut},
};
use crate::model::observation::{Document, Observations};

/// How many envelopes may be around one answer.
const ENVELOPE_LIMIT: usize = 4;
/// How much of a JSON or YAML text is parsed as one. Source: `kubectl get pods -A -o json` of 10,000 pods has some 150 MB.
const DOCUMENT_LIMIT: usize = 256 << 20;
/// How much of a YAML text is parsed: its reader is slower, and such files are small.
const YAML_LIMIT: usize = 32 << 20;

/// Reads one file.
pub fn read(source: &str, bytes: &[u8], out: &mut Observations) {
    if let Some(text) = rescue::utf16(bytes) {
        return read_text(source, &text, ENVELOPE_LIMIT, out);
    }
    if is_binary(bytes) {
        out.gaps.push(format!("{source} is binary and was not read"));
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    read_text(source, &text, ENVELOPE_LIMIT, out);
}

fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
    let odd = head.iter().filter(|b| **b == 0 || (**b < 32 && !matches!(**b, b'\n' | b'\r' | b'\t' | 0x1b | 0x0c | 0x08))).count();
    head.contains(&0) || odd * 20 > head.len()
}

fn read_text(source: &str, raw: &str, envelopes: usize, out: &mut Observations) {
    let trimmed = raw.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return;
    }
    // Logs keep their own lines; whoever reads them cuts them. Only whole documents must not be cut.
    if let Some(log) = mongod::read(source, raw) {
        out.logs.push(log);
        return;
    }
    if let Some(events) = database::events::read(source, raw) {
        out.logs.push(events);
        return;
    }
    if let Some(document) = database::read(source, raw) {
        out.documents.push(document);
        return;
    }
    if let Some(found) = telemetry::read(source, raw) {
        out.merge(found);
        return;
    }
    if trimmed.starts_with(['{', '[']) && trimmed.len() <= DOCUMENT_LIMIT && json(source, trimmed, envelopes, out) {
        return;
    }
    let clean = wrapping::clean(raw, true);
    let clean = pasted::plain(&clean);
    let tried = transcript::read(source, &clean);
    if !tried.is_empty() {
        out.documents.extend(tried);
        return;
    }
    if envelopes > 0
        && let Some(parts) = pasted::session(&clean)
    {
        for part in parts {
            read_text(source, &part, envelopes - 1, out);
        }
        return;
    }
    let unwrapped = wrapping::unwrap(&clean);
    let text = unwrapped.text.trim_matches(['\n', ' ']);
    if text.trim().is_empty() {
        return;
    }
    if let Some(error) = refusal(text) {
        out.gaps.push(sentence(source, &unwrapped.command, &error));
        return;
    }
    if unwrapped.text.trim() != trimmed {
        if let Some(found) = telemetry::read(source, text) {
            out.merge(found);
            return;
        }
        if text.starts_with(['{', '[']) && json(source, text, envelopes, out) {
            return;
        }
    }
    if describe::read(source, text, out)
        || table::read(source, text, out)
        || yaml(source, if clean.len() == raw.len() { trimmed } else { text }, out)
    {
        return;
    }
    if unwrapped.failed && !text.contains("======") {
        out.gaps.push(sentence(source, &unwrapped.command, cut(text, 160)));
        return;
    }
    if is_prose(text) {
        out.documents.push(Document { source: source.to_owned(), kind: "text".to_owned(), body: Value::from(cut(text, 64 << 10)) });
        return;
    }
    if let Some(log) = logs::read(source, text) {
        out.logs.push(log);
    }
}

/// One JSON document, several, or one per line. `false` when it is not JSON at all, and thus may be a log that starts with a brace.
fn json(source: &str, text: &str, envelopes: usize, out: &mut Observations) -> bool {
    let mut values = Vec::new();
    let mut broken = None;
    for value in Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => values.push(value),
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    if values.is_empty() {
        let truncated = broken.as_ref().is_some_and(serde_json::Error::is_eof);
        let looks = text.starts_with("{\"") || text.starts_with("{\n") || text.starts_with("[\n") || text.starts_with("[{");
        if truncated && looks {
            let items = rescue::items(text);
            out.gaps.push(match items.len() {
                0 => format!("{source} is truncated JSON and was not read"),
                count => format!("{source} is truncated JSON: its first {count} items were read, the rest is missing"),
            });
            for item in items {
                document(source, item, envelopes, out);
            }
            return true;
        }
        // One document, not a log whose lines begin with a brace.
        let whole = text.ends_with(['}', ']']) && (text.starts_with("{\n") || text.starts_with("[\n") || text.lines().count() == 1);
        if let Some(error) = broken.filter(|_| looks && whole) {
            out.gaps.push(format!("{source} is damaged JSON ({error}) and was read as text"));
        }
        return false;
    }
    // Records of a structured log: many small objects, none of them Kubernetes'.
    let records = values.len() > 1 && !values.iter().any(|value| value.get("kind").is_some() && value.get("metadata").is_some());
    if records {
        match logs::read(source, text) {
            Some(log) => out.logs.push(log),
            None => return false,
        }
        return true;
    }
    if let Some(error) = broken {
        out.gaps.push(format!("{source} is damaged after its first {} JSON documents: {error}", values.len()));
    }
    for value in values {
        document(source, value, envelopes, out);
    }
    true
}

fn document(source: &str, value: Value, envelopes: usize, out: &mut Observations) {
    if objects::read(source, &value, out) {
        return;
    }
    if envelopes > 0 {
        match wrapping::envelope(&value) {
            Some(Inner::Text(text)) => return read_text(source, &text, envelopes - 1, out),
            Some(Inner::Value(inner)) => return document(source, inner, envelopes - 1, out),
            None => {}
        }
        if let Some(error) = value.get("error").and_then(Value::as_str).filter(|error| !error.is_empty())
            && value.get("data").is_none_or(Value::is_null)
        {
            out.gaps.push(sentence(source, value.get("command").and_then(Value::as_str).unwrap_or_default(), error));
            return;
        }
    }
    out.documents.push(Document { source: source.to_owned(), kind: "json".to_owned(), body: value });
}

/// Kubernetes objects as YAML, several documents or a List; other mappings are kept as documents.
fn yaml(source: &str, text: &str, out: &mut Observations) -> bool {
    let head: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).take(6).collect();
    let kubernetes = head.iter().any(|line| line.starts_with("apiVersion:") || line.starts_with("kind:"));
    let mapping = head.len() >= 3 && head.iter().all(|line| *line == "---" || line.starts_with([' ', '-']) || is_yaml_pair(line));
    if text.len() > YAML_LIMIT || !(kubernetes || mapping) {
        return false;
    }
    let mut any = false;
    for part in documents(text) {
        let Ok(value) = serde_saphyr::from_str::<Value>(&part) else { continue };
        if objects::read(source, &value, out) {
            any = true;
        } else if value.is_object() {
            any = true;
            out.edges.extend(telemetry::edges(&value));
            out.documents.push(Document { source: source.to_owned(), kind: "yaml".to_owned(), body: value });
        }
    }
    if !any && kubernetes {
        out.gaps.push(format!("{source} is damaged YAML and was not read"));
        return true;
    }
    any
}

/// One broken document must not take the others with it.
fn documents(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn is_yaml_pair(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, rest)| {
        !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.')
            && (rest.is_empty() || rest.starts_with(' '))
            && !rest.starts_with("  ")
    })
}

/// The tool's own refusal instead of an answer: a gap, with its reason. Not-found is an answer in itself and is kept in the same words.
fn refusal(text: &str) -> Option<String> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Defaulted container")).collect();
    let last = lines.last()?;
    if lines.len() > 12 {
        return None;
    }
    let starts = [
        "Error from server",
        "error: ",
        "Error: ",
        "The connection to the server",
        "Unable to connect to the server",
        "Could not find",
        "couldn't get current server",
    ];
    let refused = lines
        .iter()
        .find(|line| starts.iter().any(|start| line.starts_with(start) || line.to_lowercase().starts_with("error: error from server")));
    // A program's own `Error: …` is a log line; only kubectl and its like answer with nothing else.
    let alone = lines.len() == 1
        || lines.iter().any(|line| line.starts_with("The connection to the server") || line.starts_with("Error from server"));
    if let Some(line) = refused.filter(|_| alone) {
        let server = line.contains("from server")
            || line.contains("the server")
            || line.contains("not available")
            || line.contains("Could not find")
            || line.contains("metrics");
        return server.then(|| (*line).to_owned());
    }
    (last.starts_with("No resources found") || last.starts_with("No events found")).then(|| (*last).to_owned()).filter(|_| lines.len() == 1)
}

fn sentence(source: &str, command: &str, error: &str) -> String {
    let asked = if command.is_empty() { source } else { command };
    format!("{asked}: {}", cut(error.trim(), 240))
}

/// Headings, lists and paragraphs: a page that somebody saved with the evidence.
fn is_prose(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let blank = lines.iter().filter(|line| line.trim().is_empty()).count();
    let heading = |line: &&&str| {
        let line = line.trim();
        line.starts_with("# ")
            || line.starts_with("## ")
            || (line.len() >= 4 && (line.bytes().all(|b| b == b'=') || line.bytes().all(|b| b == b'-')))
    };
    let timed =
        lines.iter().filter(|line| line.trim_start_matches('[').bytes().take(4).all(|b| b.is_ascii_digit()) && line.len() > 4).count();
    lines.iter().filter(heading).count() >= 2 && blank * 6 >= lines.len() && timed * 4 <= lines.len()
}
