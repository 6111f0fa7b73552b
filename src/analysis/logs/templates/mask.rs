//! A line as words and placeholders: what is a value by its own looks.

use super::words;

/// The placeholder inside a pattern; no text line holds this byte.
pub const VALUE: u8 = 0;

/// Symbols that may follow a number and belong to it.
const UNITS: &[&[u8]] = &[b"B", b"KB", b"MB", b"GB", b"TB", b"kB", b"KiB", b"MiB", b"GiB", b"ms", b"us", b"ns", b"s", b"sec", b"secs"];

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
        } else if writer.after_value && UNITS.contains(&trim(word).as_bytes()) {
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
    for _ in 0..2 {
        if let Some(inner) = rest.strip_prefix('[')
            && let Some(end) = inner.find("] ")
            && end < 120
        {
            rest = inner.get(end + 2..).unwrap_or("").trim_start();
            rest = rest.strip_prefix("- ").unwrap_or(rest);
        }
        let word = rest.split(' ').next().unwrap_or("");
        let after = rest.get(word.len()..).unwrap_or("");
        let logger = word.strip_suffix(':').or_else(|| is_behind_logger(after).then_some(word));
        if let Some(name) = logger
            && name.len() > 2
            && (name.contains('.') || name.contains('$'))
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
        || after.strip_prefix(" [").and_then(|inner| inner.find("] ")).is_some_and(|end| end < 120)
}

fn trim(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '.' | ')' | '('))
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
        if memchr::memchr_iter(b':', bytes).any(|at| bytes.get(at + 1..at + 3) == Some(b"//")) {
            let start = bytes.iter().take_while(|b| !b.is_ascii_alphanumeric()).count();
            for b in bytes.iter().take(start) {
                self.literal(std::slice::from_ref(b));
            }
            return self.value();
        }
        let path = trim(word).as_bytes();
        let drive = path.len() > 3 && path.get(1) == Some(&b':') && path.get(2) == Some(&b'\\');
        if (path.len() > 1 && path.first() == Some(&b'/') && is_path(path)) || drive {
            self.value();
            if let Some(last) = bytes.last().filter(|last| matches!(last, b',' | b';' | b':')) {
                self.literal(std::slice::from_ref(last));
            }
            return;
        }
        let mut start = 0;
        let mut at = 0;
        while let Some(b) = bytes.get(at) {
            if !is_mark(*b) {
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
            self.part(part, previous, start == 0);
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
        self.part(bytes.get(start..).unwrap_or(b""), previous, start == 0);
    }

    fn part(&mut self, part: &[u8], previous: &str, first: bool) {
        let part = if first || part.len() < 2 { part } else { part.strip_suffix(b".").unwrap_or(part) };
        let part = part.strip_suffix(b".").filter(|inner| !inner.is_empty()).unwrap_or(part);
        if part.is_empty() {
            return;
        }
        if first && is_status(part, previous) {
            return self.literal(part);
        }
        // `enable......0`: the dots are a rule between two columns
        if let Some(dots) = memchr::memmem::find(part, b"..").filter(|dots| *dots > 0) {
            let (name, rest) = part.split_at(dots);
            let rest = rest.get(rest.iter().take_while(|b| **b == b'.').count()..).unwrap_or(b"");
            if !rest.is_empty() {
                self.literal(name);
                return if is_value(rest) { self.value() } else { self.literal(rest) };
            }
        }
        if is_value(part) { self.value() } else { self.literal(part) }
    }
}

/// A path has no `=` but in its query.
fn is_path(word: &[u8]) -> bool {
    memchr::memchr2(b'=', b'?', word).is_none_or(|at| word.get(at) == Some(&b'?'))
}

/// Where `5c:50:15:4c:18:13`, `2607:f140::8` or `db1.example:5432` ends, whose part up to the first colon is known.
fn address(bytes: &[u8], start: usize, colon: usize) -> Option<usize> {
    let name = bytes.get(start..colon)?;
    let rest = bytes.get(colon + 1..)?;
    if name.len() > 3 && name.contains(&b'.') && name.last().is_some_and(u8::is_ascii_alphanumeric) {
        let port = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        return ((1..=5).contains(&port) && !rest.get(port).is_some_and(u8::is_ascii_alphanumeric)).then_some(colon + 1 + port);
    }
    if name.len() > 4 || !name.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (mut colons, mut run, mut end) = (1, 0, colon + 1);
    for b in rest {
        match b {
            b':' => (colons, run) = (colons + 1, 0),
            b if b.is_ascii_hexdigit() && run < 4 => run += 1,
            b if b.is_ascii_alphanumeric() => return None,
            _ => break,
        }
        end += 1;
    }
    let end = if bytes.get(end - 1) == Some(&b':') { end - 1 } else { end };
    (colons >= 3 && end > colon).then_some(end)
}

/// Where the value behind `=` ends, when more than letters is in it: `WorkSource{10113}`, `Popup:9bad9f5`.
fn compound(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    if matches!(rest.first(), Some(b'"' | b'\'' | b'[' | b'(' | b'{' | b'<') | None) {
        return None;
    }
    let length = rest.iter().take_while(|b| !matches!(b, b',' | b';' | b')' | b']' | b'&' | b'|' | b'"' | b'\'')).count();
    let value = rest.get(..length)?;
    (value.iter().any(|b| is_mark(*b) && *b != b'=') && value.iter().any(u8::is_ascii_digit)).then_some(start + length)
}

fn is_mark(b: u8) -> bool {
    matches!(
        b,
        b'=' | b':'
            | b','
            | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b'|'
            | b'"'
            | b'\''
            | b'`'
            | b'#'
            | b'&'
            | b'?'
            | b'!'
    )
}

/// `status 503`, `HTTP 503`: another status is another statement.
fn is_status(part: &[u8], previous: &str) -> bool {
    part.len() == 3
        && matches!(part.first(), Some(b'1'..=b'5'))
        && part.iter().all(u8::is_ascii_digit)
        && matches!(previous, "status" | "Status" | "HTTP" | "http")
}

fn is_value(part: &[u8]) -> bool {
    // `****` stands where a value is hidden or missing
    if part == b"-" || part == b"--" || (part.len() > 1 && part.iter().all(|b| *b == b'*')) {
        return true;
    }
    let mut hex = part.len() >= 8;
    for b in part {
        match *b {
            b'0'..=b'9' if part.len() <= 6 && words::is_word_with_digit(part) => return false,
            b'0'..=b'9' | b'@' | b'\\' | VALUE => return true,
            b'a'..=b'f' => {}
            _ => hex = false,
        }
    }
    hex
}
