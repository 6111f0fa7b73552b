//! What recorders put around an answer: escape codes, a `Command:` line, a JSON envelope, a frame of metadata.

use serde_json::Value;

/// The longest line that is kept. Source: the bundle contract, 4 KiB.
pub const LINE_LIMIT: usize = 4096;

/// Text as it would stand in a terminal without colours: no ANSI codes, no carriage returns, no line above [`LINE_LIMIT`].
pub fn clean(text: &str, cut_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let plain = if line.contains('\u{1b}') { without_ansi(line) } else { line.to_owned() };
        let plain = plain.strip_prefix('\u{feff}').unwrap_or(&plain);
        out.push_str(if cut_lines { cut(plain, LINE_LIMIT) } else { plain });
        out.push('\n');
    }
    out
}

/// The longest prefix of at most `limit` bytes that ends at a character.
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

fn without_ansi(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some('[') => {
                chars.next();
                for c in chars.by_ref() {
                    if ('\u{40}'..='\u{7e}').contains(&c) {
                        break;
                    }
                }
            }
            Some(']') => {
                for c in chars.by_ref() {
                    if c == '\u{7}' {
                        break;
                    }
                }
            }
            _ => {
                chars.next();
            }
        }
    }
    out
}

/// What a recorder wrote around the answer.
#[derive(Debug, Default, PartialEq)]
pub struct Unwrapped {
    pub text: String,
    /// The command line, where the recorder kept it.
    pub command: String,
    /// The command did not succeed.
    pub failed: bool,
}

/// Takes away a `Command … failed with return code 1` line, `Output:`/`stdout:` markers and frames of `====` with metadata.
pub fn unwrap(text: &str) -> Unwrapped {
    let mut out = Unwrapped::default();
    let mut frame = Frame::Outside;
    for (at, line) in text.lines().enumerate() {
        if is_rule(line) {
            frame = match frame {
                Frame::Outside => Frame::Title,
                Frame::Title => Frame::Body,
                Frame::Body => Frame::Outside,
                Frame::Refused => Frame::Refused,
            };
            if frame != Frame::Refused {
                continue;
            }
        }
        match frame {
            Frame::Title if line.trim().is_empty() || line.chars().any(char::is_lowercase) => frame = Frame::Refused,
            Frame::Title | Frame::Body => continue,
            Frame::Outside | Frame::Refused => {}
        }
        if at < 6 {
            let trimmed = line.trim();
            if let Some(command) = command_of(trimmed) {
                out.failed |= trimmed.contains("failed with return code") || trimmed.contains("exited with");
                out.command = command;
                continue;
            }
            if matches!(trimmed.to_lowercase().as_str(), "output:" | "stdout:" | "result:" | "stderr:") {
                continue;
            }
        }
        out.text.push_str(line);
        out.text.push('\n');
    }
    if frame == Frame::Refused {
        // The rules framed something that is no metadata: keep every line.
        out.text = text.to_owned();
    }
    out
}

#[derive(PartialEq, Clone, Copy)]
enum Frame {
    Outside,
    Title,
    Body,
    Refused,
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 20 && line.bytes().all(|b| b == b'=')
}

fn command_of(line: &str) -> Option<String> {
    let rest = ["Command:", "Command `", "$ kubectl", "# kubectl", "+ kubectl", "> kubectl"].iter().find_map(|head| {
        line.strip_prefix(head).map(|rest| if head.ends_with("kubectl") { format!("kubectl{rest}") } else { rest.to_owned() })
    })?;
    let command = rest.split('`').next().unwrap_or("").trim();
    let word = command.split_whitespace().next()?;
    (["kubectl", "oc", "argocd", "helm", "sh", "bash", "crictl", "docker", "journalctl"].contains(&word) || line.contains('`'))
        .then(|| command.to_owned())
}

/// The text inside a JSON envelope (`{"stdout": "…"}`, `{"status": "success", "data": "…"}`, an MCP result), or `None`.
pub fn envelope(value: &Value) -> Option<Inner> {
    let map = value.as_object()?;
    if map.contains_key("apiVersion") || map.contains_key("kind") {
        return None;
    }
    if let Some(content) = map.get("content").and_then(Value::as_array) {
        let text: Vec<&str> = content.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
        if !text.is_empty() {
            return Some(Inner::Text(text.join("\n")));
        }
    }
    let enveloped = [
        "status",
        "error",
        "schema_version",
        "returncode",
        "return_code",
        "exit_code",
        "command",
        "success",
        "tool",
        "stderr",
        "invocation",
    ]
    .iter()
    .filter(|key| map.contains_key(**key))
    .count();
    for key in ["stdout", "output", "result", "data", "llm_data", "text"] {
        match map.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() && (enveloped > 0 || map.len() == 1) => {
                return Some(Inner::Text(text.clone()));
            }
            Some(inner @ (Value::Object(_) | Value::Array(_)))
                if enveloped >= 2 && !map.contains_key("resultType") && !is_query_result(inner) =>
            {
                return Some(Inner::Value(inner.clone()));
            }
            _ => {}
        }
    }
    None
}

/// Prometheus and Loki answers look like an envelope and are the answer itself.
fn is_query_result(value: &Value) -> bool {
    value.get("resultType").is_some() || value.get("result").is_some()
}

/// What an envelope holds.
#[derive(Debug, PartialEq)]
pub enum Inner {
    Text(String),
    Value(Value),
}
