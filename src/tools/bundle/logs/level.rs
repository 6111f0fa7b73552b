//! Log levels of every convention, mapped to ours.

use serde_json::Value;

use crate::model::observation::Level;

/// A level's name in any spelling.
pub fn word(name: &str) -> Option<Level> {
    // cheap first: most words are no level, and most of those begin with another letter or have a mark in them
    let bytes = name.as_bytes();
    if !(2..=13).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut buffer = [0_u8; 13];
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"trace" | b"trc" | b"trce" | b"finest" | b"finer" | b"verbose" | b"vrb" => Level::Trace,
        b"debug" | b"dbg" | b"dbug" | b"fine" | b"debug1" | b"debug2" => Level::Debug,
        b"info" | b"inf" | b"note" | b"notice" | b"information" | b"informational" | b"log" | b"config" | b"success" => Level::Info,
        b"warn" | b"warning" | b"wrn" => Level::Warn,
        b"error" | b"err" | b"severe" | b"fail" | b"failure" | b"eror" => Level::Error,
        b"fatal" | b"critical" | b"crit" | b"ftl" | b"emerg" | b"emergency" | b"alert" | b"panic" | b"dpanic" => Level::Fatal,
        _ => return None,
    })
}

/// A bare word counts as a level only in the spellings that loggers print: `ERROR`, `Error:`, `error:`; never `error` inside prose.
pub fn bare(token: &str) -> Option<Level> {
    let (name, colon) = match token.strip_suffix(':') {
        Some(name) => (name, true),
        None => (token, false),
    };
    let upper = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let title = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase()) && name.bytes().skip(1).all(|b| b.is_ascii_lowercase());
    let level = word(name)?;
    // `LOG:` is PostgreSQL's; `Failure`, `Config` and `Success` are words of sentences.
    match name.to_ascii_lowercase().as_str() {
        // `FAIL: test` is a verdict, `fail: Category` a level of .NET
        "fail" | "failure" if name != "fail" || !colon => None,
        "log" | "config" | "success" | "note" | "alert" | "panic" if !upper => None,
        "log" | "config" | "success" | "fine" if !colon && name != "CONFIG" && name != "FINE" => None,
        _ if upper || colon => Some(level),
        _ if title && matches!(name, "Info" | "Warning" | "Error" | "Debug" | "Critical" | "Fatal") => Some(level),
        _ => None,
    }
}

/// A level field of a structured line: a name, a pino or bunyan number, a syslog priority.
pub fn field(key: &str, value: &Value) -> Option<Level> {
    match value {
        Value::String(s) => text(key, s),
        Value::Number(n) => number(key, n.as_u64()?),
        _ => None,
    }
}

/// The same for a value that is text.
pub fn text(key: &str, text: &str) -> Option<Level> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return number(key, text.parse().ok()?);
    }
    word(text).or_else(|| short(text))
}

fn short(letter: &str) -> Option<Level> {
    Some(match letter {
        "T" | "V" => Level::Trace,
        "D" => Level::Debug,
        "I" | "N" => Level::Info,
        "W" => Level::Warn,
        "E" => Level::Error,
        "F" | "C" => Level::Fatal,
        _ => return None,
    })
}

/// The same for a value that is a number; what it means depends on who writes the key.
pub fn number(key: &str, n: u64) -> Option<Level> {
    let key = key.to_ascii_lowercase();
    if key == "priority" || key == "syslog_severity" {
        return Some(match n {
            0..=2 => Level::Fatal,
            3 => Level::Error,
            4 => Level::Warn,
            5 | 6 => Level::Info,
            7 => Level::Debug,
            _ => return None,
        });
    }
    if key.contains("number") {
        return Some(open_telemetry(n));
    }
    Some(match n {
        10..=19 => Level::Trace,
        20..=29 => Level::Debug,
        30..=39 => Level::Info,
        40..=49 => Level::Warn,
        50..=59 => Level::Error,
        60..=99 => Level::Fatal,
        _ => return None,
    })
}

/// OpenTelemetry's severity number.
fn open_telemetry(n: u64) -> Level {
    match n {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        13..=16 => Level::Warn,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => Level::Info,
    }
}
