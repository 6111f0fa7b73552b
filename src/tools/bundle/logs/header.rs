//! What stands before the message on a line of text: times, levels, process, thread, container prefixes.

mod columns;

use jiff::Timestamp;

use super::{level, time};
use crate::model::observation::Level;

/// What the head of a line says, and where its message begins.
#[derive(Debug, Default)]
pub struct Header<'a> {
    pub time: Option<Timestamp>,
    /// A time was there, with or without a year.
    pub timed: bool,
    pub level: Option<Level>,
    /// The program or pod that wrote it.
    pub service: &'a str,
    /// After time and level, indentation kept.
    pub message: &'a str,
}

impl Header<'_> {
    /// A logger wrote this head; what follows starts a record and never continues one.
    pub fn is_logger(&self) -> bool {
        self.level.is_some() || (self.timed && !self.service.is_empty())
    }
}

/// Reads the head of one line.
pub fn parse(line: &str) -> Header<'_> {
    let mut head = Header { message: line, ..Header::default() };
    prefix(&mut head);
    let versioned = head.message.starts_with('<') && columns::priority(&mut head);
    // Ruby: `E, [2026-01-02T03:04:05.000000 #1] ERROR -- : message`
    if let Some(rest) = head.message.get(1..).and_then(|rest| rest.strip_prefix(", ["))
        && head.message.starts_with(['D', 'I', 'W', 'E', 'F', 'A'])
    {
        head.message = head.message.get(head.message.len() - rest.len() - 1..).unwrap_or(rest);
    }
    for _ in 0..3 {
        if !timestamp(&mut head) {
            break;
        }
    }
    if !head.timed {
        columns::late_timestamp(&mut head);
    }
    if head.timed {
        columns::piped(&mut head);
    }
    if head.timed {
        container_runtime(&mut head);
    }
    if super::verdict::read(&mut head) {
        return head;
    }
    if head.timed {
        if versioned {
            columns::syslog(&mut head);
        } else {
            syslog(&mut head);
        }
    }
    annotation(&mut head);
    levels(&mut head);
    head
}

/// `##[error]…` and `::error::…` of CI runners, `npm ERR! …`.
fn annotation(head: &mut Header<'_>) {
    const MARKS: [(&str, Level); 6] = [
        ("##[error]", Level::Error),
        ("##[warning]", Level::Warn),
        ("##[debug]", Level::Debug),
        ("::error::", Level::Error),
        ("::warning::", Level::Warn),
        ("npm ERR! ", Level::Error),
    ];
    if !head.message.starts_with(['#', ':', 'n']) {
        return;
    }
    for (mark, level) in MARKS {
        if let Some(rest) = head.message.strip_prefix(mark) {
            head.level = Some(level);
            head.message = rest;
        }
    }
}

/// `[pod/name/container] …` of `kubectl logs --prefix`, `name-1  | …` of compose.
fn prefix(head: &mut Header<'_>) {
    let line = head.message;
    if let Some(rest) = line.strip_prefix("[pod/")
        && let Some((name, message)) = rest.split_once("] ")
    {
        head.service = name.split('/').next().unwrap_or(name);
        head.message = message;
        return;
    }
    // cheap first: every line of every log comes by here
    if memchr::memchr(b'|', line.as_bytes().get(..48).unwrap_or(line.as_bytes())).is_some()
        && let Some((name, message)) = line.get(..line.floor_char_boundary(48)).and_then(|start| start.split_once(" | "))
        && !name.is_empty()
        && name.trim_end().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && !message.is_empty()
    {
        head.service = name.trim_end();
        head.message = line.get(name.len() + 3..).unwrap_or(message);
    }
}

/// One time at the start, bare or in brackets, and one blank behind it.
fn timestamp(head: &mut Header<'_>) -> bool {
    let line = head.message;
    let start = if head.timed { line.trim_start() } else { line };
    let (open, inner) = match start.as_bytes().first() {
        Some(b'[') => (true, start.get(1..).unwrap_or("")),
        Some(b'I' | b'W' | b'E' | b'F') if klog(head, start) => return true,
        // Some(b'-') is the alert mark of supercomputer logs
        Some(b'-') if start.starts_with("- ") && start.as_bytes().get(2).is_some_and(u8::is_ascii_digit) => {
            (false, start.get(2..).unwrap_or(""))
        }
        Some(b'A'..=b'Z') => (false, columns::behind_tag(start)),
        Some(b'0'..=b'9') => (false, start),
        _ => return false,
    };
    let Some((stamp, length)) = time::scan(inner) else {
        return false;
    };
    let mut rest = inner.get(length..).unwrap_or("");
    if open {
        // `[12:00:00 ERR] …`
        let Some((inside, after)) = rest.split_once(']') else { return false };
        if inside.len() > 24 {
            return false;
        }
        if let Some(found) = inside.split_ascii_whitespace().find_map(level::word) {
            head.level = Some(found);
        }
        rest = after;
    } else if !rest.is_empty() && !rest.starts_with([' ', '\t', '|', ':', ']', ',', ';', '-']) {
        return false;
    }
    head.time = head.time.or(stamp);
    head.timed = true;
    head.message = rest.strip_prefix([' ', '\t', '|', ':', ',', ';']).unwrap_or(rest);
    true
}

/// `I0123 12:00:00.000000    1 file.go:1] …`, also with a full date.
fn klog<'a>(head: &mut Header<'a>, line: &'a str) -> bool {
    let Some(rest) = line.get(1..) else { return false };
    let is_short = rest.len() > 12 && rest.bytes().take(4).all(|b| b.is_ascii_digit()) && rest.as_bytes().get(4) == Some(&b' ');
    let (stamp, after) = if is_short {
        match time::scan(rest.get(5..).unwrap_or("")) {
            Some((_, length)) => (None, rest.get(5 + length..).unwrap_or("")),
            None => return false,
        }
    } else {
        match time::scan(rest).filter(|_| rest.starts_with('2')) {
            Some((stamp, length)) => (stamp, rest.get(length..).unwrap_or("")),
            None => return false,
        }
    };
    let Some((place, message)) = after.split_once("] ") else { return false };
    if place.len() > 80 {
        return false;
    }
    head.level = match line.as_bytes().first() {
        Some(b'W') => Some(Level::Warn),
        Some(b'E') => Some(Level::Error),
        Some(b'F') => Some(Level::Fatal),
        _ => Some(Level::Info),
    };
    head.time = head.time.or(stamp);
    head.timed = true;
    head.message = message;
    true
}

/// `stdout F …` of the container runtime.
fn container_runtime(head: &mut Header<'_>) {
    for mark in ["stdout F ", "stderr F ", "stdout P ", "stderr P "] {
        if let Some(rest) = head.message.strip_prefix(mark) {
            head.message = rest;
            timestamp(head);
            return;
        }
    }
}

/// `host program[123]: …` behind a time.
fn syslog(head: &mut Header<'_>) {
    let text = head.message.trim_start();
    let mut from = 0;
    for _ in 0..4 {
        let rest = text.get(from..).unwrap_or("");
        if from > 0
            && let Some((_, length)) = time::scan(rest)
        {
            from += length + 1;
            continue;
        }
        let word = rest.split(' ').next().unwrap_or("");
        let named = word.strip_suffix(':').and_then(program).map(|name| (name, word.len()));
        let spaced = || if from > 0 { spaced_program(rest).or_else(|| columns::program_about(rest)) } else { None };
        if let Some((name, length)) = named.or_else(spaced) {
            // `time program[1]: …` without a host needs the pid
            if from == 0 && !word.contains('[') {
                return;
            }
            head.service = name;
            head.message = without_kernel_clock(text.get(from + length + 1..).unwrap_or(""));
            return;
        }
        // the host: a word that no sentence starts with
        let host = !word.is_empty()
            && level::bare(word).is_none()
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@".contains(&b))
            && !word.ends_with(':');
        if !host || (from > 0 && !word.contains('/')) {
            return;
        }
        from += word.len() + 1;
    }
}

/// `Some App[123]: …`: the name and the length up to the colon.
fn spaced_program(text: &str) -> Option<(&str, usize)> {
    let start = text.get(..text.floor_char_boundary(48))?;
    let open = start.find('[')?;
    let close = open + start.get(open..)?.find("]:")?;
    let digits = start.get(open + 1..close)?;
    let is_pid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_pid.then(|| (start.get(..open).unwrap_or(""), close + 2))
}

/// The kernel's own clock: `[ 1234.5678] …`.
fn without_kernel_clock(message: &str) -> &str {
    match message.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((clock, after)) if !clock.is_empty() && clock.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b' ') => {
            after.strip_prefix(' ').unwrap_or(after)
        }
        _ => message,
    }
}

/// The name in `program[123]`, `program(module)[123]`, `program`.
fn program(word: &str) -> Option<&str> {
    let name = word.split(['[', '(']).next().unwrap_or(word);
    let plain = !name.is_empty() && name.len() < 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./@".contains(&b));
    let numbered = word.len() == name.len() || word.ends_with(']') || word.ends_with(')');
    (plain && numbered && name.bytes().any(|b| b.is_ascii_alphabetic())).then_some(name)
}

/// A level within the first words, when only a logger's own columns stand before it.
fn levels(head: &mut Header<'_>) {
    if head.level.is_some() {
        return;
    }
    let text = head.message;
    // indentation belongs to continuations: a level behind it is one of prose
    if text.starts_with([' ', '\t']) && !head.timed {
        return;
    }
    let mut from = 0;
    for _ in 0..6 {
        let rest = text.get(from..).unwrap_or("");
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '|']).len();
        from += blank;
        let rest = text.get(from..).unwrap_or("");
        // `[WARN ][o.e.Logger] …`, `[ERROR][o.e.Logger] …`
        if let Some((name, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']'))
            && name.len() < 10
            && after.starts_with('[')
            && let Some(found) = level::word(name.trim())
        {
            head.level = Some(found);
            head.message = after;
            return;
        }
        let token = rest.split([' ', '\t', '|']).next().unwrap_or("");
        if token.is_empty() {
            return;
        }
        let inner = token.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | ','));
        let bracketed = inner.len() + 2 <= token.len() || token.starts_with('[');
        let found = if bracketed { level::word(inner.trim_end_matches(':')) } else { level::bare(token) };
        if let Some(found) = found {
            head.level = Some(found);
            // `error: …` is how programs start a sentence; it stays
            let rest = text.get(from + token.len()..).unwrap_or("").trim();
            let dotnet = rest.ends_with(']') && !rest.contains(' ');
            if bracketed || dotnet || !token.ends_with(':') || token.bytes().all(|b| !b.is_ascii_lowercase()) {
                head.message = after_level(text.get(from + token.len()..).unwrap_or(""));
            }
            return;
        }
        // Monolog: `production.ERROR: message`
        if let Some((_, name)) = token.strip_suffix(':').and_then(|token| token.rsplit_once('.'))
            && name.bytes().all(|b| b.is_ascii_uppercase())
            && let Some(found) = level::word(name)
        {
            head.level = Some(found);
            head.message = after_level(text.get(from + token.len()..).unwrap_or(""));
            return;
        }
        // `INFO:app:message`, `[error] 7#7: …` and tab-separated lower-case levels
        if let Some((name, after)) = token.split_once(':')
            && !after.is_empty()
            && let Some(found) = level::bare(name).filter(|_| name.len() > 3)
        {
            head.level = Some(found);
            head.message = text.get(from + name.len() + 1..).unwrap_or("");
            return;
        }
        if head.timed && level::word(token).is_some() && rest.as_bytes().get(token.len()) == Some(&b'\t') {
            head.level = level::word(token);
            head.message = after_level(text.get(from + token.len()..).unwrap_or(""));
            return;
        }
        // Android: `1702  2395 D Tag: …`
        if head.timed && token.len() == 1 && from > 0 {
            head.level = match token {
                "V" => Some(Level::Trace),
                "D" => Some(Level::Debug),
                "I" => Some(Level::Info),
                "W" => Some(Level::Warn),
                "E" => Some(Level::Error),
                "F" => Some(Level::Fatal),
                _ => None,
            };
            if head.level.is_some() {
                head.message = after_level(text.get(from + 1..).unwrap_or(""));
                return;
            }
        }
        if !is_column(token) || !head.timed {
            return;
        }
        // a bracket with blanks inside: `[http-nio 8080]`
        let unclosed = token.starts_with('[') && !token.ends_with(']');
        from += match unclosed.then(|| memchr::memchr(b']', rest.as_bytes())) {
            Some(Some(end)) if end < 80 => end + 1,
            Some(None) => return,
            _ => token.len(),
        };
    }
}

fn after_level(rest: &str) -> &str {
    let rest = rest.trim_start_matches([' ', '\t', '|']);
    let rest = rest.strip_prefix("-- : ").unwrap_or(rest);
    let rest = rest.strip_prefix("- ").or_else(|| rest.strip_prefix(": ")).unwrap_or(rest);
    // Spring: `1 --- [main] c.e.Class : message`
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == ' ' || c == '-') {
        return rest;
    }
    match rest.split_once("--- [") {
        Some((pid, after)) if pid.len() < 10 && pid.bytes().all(|b| b.is_ascii_digit() || b == b' ') => {
            after.split_once(']').map_or(rest, |(_, message)| message.trim_start())
        }
        _ => rest,
    }
}

/// A thread, a process id, a host, a logger: no word of a sentence.
fn is_column(token: &str) -> bool {
    token == "-"
        || token.starts_with('[')
        || token.starts_with('(')
        || token.bytes().all(|b| b.is_ascii_digit())
        || token.bytes().all(|b| b.is_ascii_uppercase())
        || (token.bytes().any(|b| matches!(b, b'.' | b'/' | b'-' | b'_' | b'$' | b'@' | b'0'..=b'9'))
            && !token.ends_with(['.', ','])
            && !is_url(token))
}

fn is_url(token: &str) -> bool {
    memchr::memchr(b':', token.as_bytes()).is_some_and(|at| token.get(at..).is_some_and(|rest| rest.starts_with("://")))
}
