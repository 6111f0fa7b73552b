//! mongod and mongos logs: JSON lines since 4.4, and the text format of older servers.
//!
//! Both become lines whose `fields` have mongod's own JSON names: `s`, `c`, `id`, `ctx`, `msg`, `attr`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::logs::{LINE_LIMIT, cut, time, without_ansi};
use crate::model::{
    Entity,
    observation::{Level, LogLine, LogStream},
};

/// How many lines may precede the first line that mongod wrote (a shell's output, an entry point's).
const LEAD: usize = 20;

/// Reads `text` as a mongod log; `None` when it is none.
pub fn read(source: &str, text: &str) -> Option<LogStream> {
    if !is_mongod(text) {
        return None;
    }
    let mut lines: Vec<LogLine> = Vec::new();
    let mut others = 0_usize;
    for (number, raw) in (1_u32..).zip(text.lines()) {
        if raw.trim().is_empty() {
            continue;
        }
        match parse(number, raw) {
            Some(line) => lines.push(line),
            None => {
                others += 1;
                // continuation of a backtrace or of a long text message
                if let Some(last) = lines.last_mut()
                    && last.text.len() + raw.len() < LINE_LIMIT
                {
                    last.text.push('\n');
                    last.text.push_str(raw);
                }
            }
        }
    }
    // an application's log that quotes a line of mongod is no mongod log
    if others > lines.len() {
        return None;
    }
    let entity = own_address(&lines).map(|name| Entity::new("Database", "", &name)).unwrap_or_default();
    Some(LogStream { source: source.to_owned(), entity, container: String::new(), previous: false, dialect: "mongod".to_owned(), lines })
}

/// The beginning of a text looks like a mongod log.
pub fn is_mongod(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).take(LEAD).any(|line| parse(0, line).is_some())
}

/// One line of a mongod log; `None` for what continues another one, or is none.
pub fn parse(number: u32, raw: &str) -> Option<LogLine> {
    let line = without_ansi(raw);
    let line = line.trim();
    // As mongod writes it, or with the blanks of a tool that it went through.
    let start = ["{\"t\":{\"$date\"", "{\"t\": {\"$date\""].iter().find_map(|head| line.find(head));
    match start {
        Some(at) if at < 80 => json(number, line.get(at..)?),
        _ => text(number, line),
    }
}

fn json(number: u32, line: &str) -> Option<LogLine> {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        // a line cut short still has its head
        Err(_) => head_of_broken(line)?,
    };
    let map = value.as_object()?;
    let msg = map.get("msg")?.as_str()?;
    let text = match map.get("attr") {
        Some(attr) => format!("{msg} {attr}"),
        None => msg.to_owned(),
    };
    Some(LogLine {
        number,
        time: map.get("t").and_then(time::field),
        level: severity(map.get("s").and_then(Value::as_str).unwrap_or("I")),
        level_stated: true,
        service: String::new(),
        text: cut(&text, LINE_LIMIT).to_owned(),
        fields: value,
    })
}

/// The fields before `attr` of a line that was cut inside of it; the rest is kept as text.
fn head_of_broken(line: &str) -> Option<Value> {
    let (head, rest) = line.split_once(",\"attr\":")?;
    let mut value: Value = serde_json::from_str(&format!("{head}}}")).ok()?;
    value.as_object_mut()?.insert("attr".to_owned(), Value::String(rest.to_owned()));
    Some(value)
}

/// `2026-05-02T10:44:20.117+0000 E STORAGE  [conn5] …` (3.0 to 4.2), `… [conn5] …` with either kind of time (before 3.0).
fn text(number: u32, line: &str) -> Option<LogLine> {
    let (stamp, length) = time::scan(line)?;
    let rest = line.get(length..)?.strip_prefix(' ')?;
    let mut words = rest.trim_start().splitn(3, ' ');
    let (first, second) = (words.next()?, words.next().unwrap_or(""));
    let (letter, component, tail) =
        if is_severity(first) && second.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'-') && !second.is_empty() {
            (first, second, words.next()?.trim_start())
        } else if is_severity(first) && second.is_empty() {
            // the component is padded: `I  CONTROL`
            let tail = words.next()?.trim_start();
            let (component, tail) = tail.split_once(' ')?;
            (first, component, tail.trim_start())
        } else if first.starts_with('[') && known_context(first) {
            ("I", "-", rest.trim_start())
        } else {
            return None;
        };
    let (context, message) = tail.strip_prefix('[')?.split_once("] ")?;
    let severity_letter = old_severity(letter, message);
    let mut map = Map::new();
    map.insert("s".to_owned(), Value::from(severity_letter));
    map.insert("c".to_owned(), Value::from(component));
    map.insert("ctx".to_owned(), Value::from(context));
    map.insert("msg".to_owned(), Value::from(cut(message, LINE_LIMIT)));
    Some(LogLine {
        number,
        time: stamp,
        level: severity(severity_letter),
        level_stated: true,
        service: String::new(),
        text: cut(message, LINE_LIMIT).to_owned(),
        fields: Value::Object(map),
    })
}

fn is_severity(word: &str) -> bool {
    matches!(word, "I" | "W" | "E" | "F" | "D" | "D1" | "D2" | "D3" | "D4" | "D5")
}

/// Before 3.0 there was no severity: the words tell.
fn old_severity<'a>(letter: &'a str, message: &str) -> &'a str {
    if letter != "I" {
        return letter;
    }
    let lower = message.get(..message.floor_char_boundary(160)).unwrap_or("").to_ascii_lowercase();
    if lower.starts_with("warning") || lower.contains("** warning") {
        "W"
    } else if lower.starts_with("error") || lower.contains(" error rs") || lower.contains("exception") || lower.contains("assertion") {
        "E"
    } else {
        "I"
    }
}

fn severity(letter: &str) -> Level {
    match letter.as_bytes().first() {
        Some(b'F') => Level::Fatal,
        Some(b'E') => Level::Error,
        Some(b'W') => Level::Warn,
        Some(b'D') => Level::Debug,
        _ => Level::Info,
    }
}

/// Threads of a mongod before 3.0, whose lines have no component to tell them by.
fn known_context(word: &str) -> bool {
    const NAMES: &[&str] = &[
        "initandlisten",
        "rs",
        "DataFileSync",
        "FileAllocator",
        "TTLMonitor",
        "clientcursormon",
        "signalProcessingThread",
        "interruptThread",
        "websvr",
        "mongosMain",
        "Balancer",
        "LockPinger",
        "replslave",
        "ReplicaSetMonitorWatcher",
        "ReplicationExecutor",
    ];
    let name = word.trim_start_matches('[').trim_end_matches(']');
    NAMES.iter().any(|known| name == *known || (*known == "rs" && name.starts_with("rs") && name.len() > 3))
        || name.strip_prefix("conn").is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `host:port` of the server that wrote the log: its own words at start-up, or in its replica set's configuration.
fn own_address(lines: &[LogLine]) -> Option<String> {
    let attr = |line: &LogLine, name: &str| -> Option<String> {
        let value = line.fields.get("attr")?.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let mut started = None;
    for line in lines {
        let msg: Cow<'_, str> = line.fields.get("msg").and_then(Value::as_str).map(Cow::Borrowed).unwrap_or_default();
        if msg == "Found self in config" {
            return attr(line, "hostAndPort");
        }
        if started.is_none() && msg == "MongoDB starting" {
            started = attr(line, "host")
                .zip(attr(line, "port"))
                .map(|(host, port)| if host.contains(':') { host } else { format!("{host}:{port}") });
        }
        if started.is_none()
            && let Some(rest) = msg.strip_prefix("MongoDB starting : ")
        {
            let value = |key: &str| rest.split_whitespace().find_map(|word| word.strip_prefix(key));
            started = value("host=")
                .zip(value("port="))
                .map(|(host, port)| if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") });
        }
    }
    started
}

#[cfg(test)]
mod tests;
