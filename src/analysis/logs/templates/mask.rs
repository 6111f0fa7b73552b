//! A line as words and placeholders: what is a value by its own looks.

mod shapes;

use super::words;
use shapes::{COLON, MARK, RULE, SLASH, address, class, classes_of, compound, is_mark, is_path, is_status, is_value};

/// The placeholder inside a pattern; no text line holds this byte.
pub const VALUE: u8 = 0;

/// Symbols that may follow a number and belong to it.
const UNITS: &[&[u8]] = &[b"B", b"KB", b"MB", b"GB", b"TB", b"kB", b"KiB", b"MiB", b"GiB", b"ms", b"us", b"ns", b"s", b"sec", b"secs"];

/// What a thread or a request writes in its brackets.
const LONGEST_BRACKET: usize = 120;
/// A unit with what may close behind it.
const LONGEST_UNIT: usize = 6;

/// Writes the pattern of `line` to `out`: tokens separated by blanks, a value as one `VALUE` byte.
pub fn mask(line: &str, out: &mut Vec<u8>) {
    let mut writer = Writer { out, after_value: false, in_range: false };
    let line = message(line);
    let mut words = line.split_ascii_whitespace().peekable();
    let mut previous: &str = "";
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or("");
        if is_date(word, next) {
            writer.value();
        } else if writer.after_value && word.len() <= LONGEST_UNIT && UNITS.contains(&trim(word.as_bytes())) {
            // the unit belongs to the number before; what closes behind it stays
            let tail = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            for b in tail.bytes().filter(|b| is_mark(*b)) {
                writer.literal(&[b]);
            }
        } else {
            writer.word(word, previous, next);
        }
        previous = word;
    }
}

/// The line without a leading thread or logger, which says where and not what.
fn message(line: &str) -> &str {
    let mut rest = line.trim_start();
    for _ in 0..3 {
        if let Some(inner) = rest.strip_prefix('[')
            && let Some(end) = bracket(inner)
        {
            rest = inner.get(end + 2..).unwrap_or("").trim_start();
            rest = rest.strip_prefix("- ").unwrap_or(rest);
        }
        let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if memchr::memchr2(b'.', b'$', word.as_bytes()).is_none() {
            // another bracket may follow
            if rest.starts_with('[') {
                continue;
            }
            break;
        }
        let logger = word.strip_suffix(':').or_else(|| is_behind_logger(after).then_some(word));
        if let Some(name) = logger
            && name.len() > 2
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".$_-".contains(&b))
            && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && !name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !name.ends_with("Error")
            && !name.ends_with("Exception")
        {
            let after = after.trim_start().trim_start_matches("*64 ").trim_start_matches("*32 ");
            rest = after.strip_prefix("- ").or_else(|| after.strip_prefix(": ")).unwrap_or(after);
        }
    }
    if rest.is_empty() { line } else { rest }
}

/// ` - message`, ` : message`, ` [id of the request] message`; Windows marks 32-bit and 64-bit programs.
fn is_behind_logger(after: &str) -> bool {
    after.starts_with(" - ")
        || after.starts_with(" : ")
        || after.starts_with(" *64 - ")
        || after.starts_with(" *32 - ")
        || after.strip_prefix(" [").is_some_and(|inner| bracket(inner).is_some())
}

/// Where a bracket closes before a blank, when that is near.
fn bracket(inner: &str) -> Option<usize> {
    let near = inner.as_bytes().get(..LONGEST_BRACKET).unwrap_or(inner.as_bytes());
    memchr::memchr_iter(b']', near).find(|at| inner.as_bytes().get(at + 1) == Some(&b' '))
}

/// Without the marks around it.
fn trim(word: &[u8]) -> &[u8] {
    let is_edge = |b: &u8| matches!(b, b',' | b';' | b':' | b'.' | b')' | b'(');
    let start = word.iter().take_while(|b| is_edge(b)).count();
    let rest = word.get(start..).unwrap_or(b"");
    let end = rest.iter().rev().take_while(|b| is_edge(b)).count();
    rest.get(..rest.len() - end).unwrap_or(b"")
}

/// `Jun` before a day, `Sat` before a month.
fn is_date(word: &str, next: &str) -> bool {
    const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    word.len() == 3
        && ((MONTHS.contains(&word) && next.bytes().next().is_some_and(|b| b.is_ascii_digit()))
            || (DAYS.contains(&word) && MONTHS.contains(&next)))
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The last token was a value.
    after_value: bool,
    /// Inside the brackets of `node-[0-31]`.
    in_range: bool,
}

impl Writer<'_> {
    fn separate(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b' ');
        }
    }

    /// A value; one behind another, with nothing but list marks between, is the same value.
    fn value(&mut self) {
        let mut end = self.out.len();
        while let Some(b) = end.checked_sub(1).and_then(|at| self.out.get(at)) {
            match b {
                b' ' | b':' | b',' | b'#' | b'-' | b'.' | b'/' | b'_' | b'+' => end -= 1,
                _ => break,
            }
        }
        if end > 0 && self.out.get(end - 1) == Some(&VALUE) {
            self.out.truncate(end);
        } else {
            self.separate();
            self.out.push(VALUE);
        }
        self.after_value = true;
    }

    fn literal(&mut self, token: &[u8]) {
        // `451 bytes (0.4 KB)`: the same amount twice
        if token == b")" && self.out.ends_with(b"bytes ( \0") {
            let keep = self.out.len() - b" ( \0".len();
            self.out.truncate(keep);
            self.after_value = false;
            return;
        }
        self.separate();
        self.out.extend_from_slice(token);
        self.after_value = false;
    }

    /// One word between blanks: a value as a whole, or parts between punctuation.
    fn word(&mut self, word: &str, previous: &str, next: &str) {
        let bytes = word.as_bytes();
        // most words are letters only
        let classes = classes_of(bytes);
        if classes & (MARK | SLASH) == 0 {
            return self.part(bytes, classes, previous, true);
        }
        if classes & SLASH != 0 && self.location(bytes, classes) {
            return;
        }
        let mut start = 0;
        let mut at = 0;
        while let Some(b) = bytes.get(at) {
            if class(*b) & MARK == 0 {
                at += 1;
                continue;
            }
            let part = bytes.get(start..at).unwrap_or(b"");
            let whole = match b {
                b':' => address(bytes, start, at),
                // `node-[0-31]`: which ones
                b'[' if part.ends_with(b"-") => Some(at),
                _ => None,
            };
            if let Some(end) = whole {
                self.value();
                self.in_range |= *b == b'[';
                start = if *b == b'[' { end + 1 } else { end };
                at = start;
                continue;
            }
            self.part(part, classes_of(part), previous, start == 0);
            start = at + 1;
            at = start;
            // `<1 sec` is an amount
            if *b == b'<' && bytes.get(start).is_some_and(u8::is_ascii_digit) && !bytes.contains(&b'>') {
                continue;
            }
            if *b == b']' && std::mem::take(&mut self.in_range) {
                continue;
            }
            self.literal(std::slice::from_ref(b));
            if *b == b'=' {
                // `ruser= rhost=…`: no value; in `drawn= false` it follows
                if start == bytes.len() && (next.is_empty() || next.contains('=')) {
                    self.value();
                } else if let Some(end) = compound(bytes, start) {
                    self.value();
                    start = end;
                    at = end;
                }
            }
        }
        let part = bytes.get(start..).unwrap_or(b"");
        self.part(part, classes_of(part), previous, start == 0);
    }

    /// `https://…`, `/var/log`, `C:\\…` as a whole.
    fn location(&mut self, bytes: &[u8], classes: u8) -> bool {
        if classes & COLON != 0 && memchr::memmem::find(bytes, b"://").is_some() {
            let start = bytes.iter().take_while(|b| !b.is_ascii_alphanumeric()).count();
            let end = bytes.iter().rev().take_while(|b| is_mark(**b)).count();
            for b in bytes.iter().take(start) {
                self.literal(std::slice::from_ref(b));
            }
            self.value();
            for b in bytes.iter().skip(start.max(bytes.len() - end)) {
                self.literal(std::slice::from_ref(b));
            }
            return true;
        }
        let path = trim(bytes);
        let drive = path.len() > 3 && path.get(1) == Some(&b':') && path.get(2) == Some(&b'\\');
        let found = (path.len() > 1 && path.first() == Some(&b'/') && is_path(path)) || drive;
        if found {
            self.value();
            if let Some(last) = bytes.last().filter(|last| matches!(last, b',' | b';' | b':')) {
                self.literal(std::slice::from_ref(last));
            }
        }
        found
    }

    fn part(&mut self, part: &[u8], classes: u8, previous: &str, first: bool) {
        let part = if first || part.len() < 2 { part } else { part.strip_suffix(b".").unwrap_or(part) };
        let part = part.strip_suffix(b".").filter(|inner| !inner.is_empty()).unwrap_or(part);
        let classes = if part.len() > 2 { classes } else { classes_of(part) };
        if part.is_empty() {
            return;
        }
        if first && is_status(part, previous) {
            return self.literal(part);
        }
        // `enable......0`: the dots are a rule between two columns
        if classes & RULE != 0
            && let Some(dots) = part.windows(2).position(|two| two == b"..").filter(|dots| *dots > 0)
        {
            let (name, rest) = part.split_at(dots);
            let rest = rest.get(rest.iter().take_while(|b| **b == b'.').count()..).unwrap_or(b"");
            if !rest.is_empty() {
                self.literal(name);
                return if is_value(rest, classes_of(rest)) { self.value() } else { self.literal(rest) };
            }
        }
        let is_location = part.len() > 1 && part.first() == Some(&b'/') && part.iter().any(u8::is_ascii_alphanumeric);
        if is_location || is_value(part, classes) { self.value() } else { self.literal(part) }
    }
}
