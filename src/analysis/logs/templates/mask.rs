//! A line as words and placeholders: what is a value by its own looks.

/// The placeholder inside a pattern; no text line holds this byte.
pub const VALUE: u8 = 0;

/// Symbols that may follow a number and belong to it.
const UNITS: &[&[u8]] = &[b"B", b"KB", b"MB", b"GB", b"TB", b"kB", b"KiB", b"MiB", b"GiB", b"ms", b"us", b"ns", b"s", b"sec", b"secs"];

/// Writes the pattern of `line` to `out`: tokens separated by blanks, a value as one `VALUE` byte.
pub fn mask(line: &str, out: &mut Vec<u8>) {
    let mut writer = Writer { out, after_value: false };
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
        let logger = word
            .strip_suffix(':')
            .or_else(|| rest.get(word.len()..).is_some_and(|after| after.starts_with(" - ") || after.starts_with(" : ")).then_some(word));
        if let Some(name) = logger
            && name.len() > 2
            && (name.contains('.') || name.contains('$'))
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".$_-".contains(&b))
            && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && !name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !name.ends_with("Error")
            && !name.ends_with("Exception")
        {
            let after = rest.get(word.len()..).unwrap_or("").trim_start();
            rest = after.strip_prefix("- ").or_else(|| after.strip_prefix(": ")).unwrap_or(after);
        }
    }
    if rest.is_empty() { line } else { rest }
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
        if (path.len() > 1 && path.first() == Some(&b'/') && !path.contains(&b'=')) || drive {
            self.value();
            if let Some(last) = bytes.last().filter(|last| matches!(last, b',' | b';' | b':')) {
                self.literal(std::slice::from_ref(last));
            }
            return;
        }
        let mut start = 0;
        for (at, b) in bytes.iter().enumerate() {
            if !is_mark(*b) {
                continue;
            }
            self.part(bytes.get(start..at).unwrap_or(b""), previous, start == 0);
            start = at + 1;
            // `<1 sec` is an amount
            if *b == b'<' && bytes.get(start).is_some_and(u8::is_ascii_digit) && !bytes.contains(&b'>') {
                continue;
            }
            self.literal(std::slice::from_ref(b));
            // `ruser= rhost=…`: no value; in `drawn= false` it follows
            if *b == b'=' && start == bytes.len() && (next.is_empty() || next.contains('=')) {
                self.value();
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
        if is_value(part) { self.value() } else { self.literal(part) }
    }
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
    if part == b"-" || part == b"--" {
        return true;
    }
    let mut hex = part.len() >= 8;
    for b in part {
        match *b {
            b'0'..=b'9' | b'@' | b'\\' | VALUE => return true,
            b'a'..=b'f' => {}
            _ => hex = false,
        }
    }
    hex
}
