//! Values that their names give away: `password=…`, `"token": "…"`, `--api-key …`, `<secret>…</secret>`.

use super::{
    harmless, kube,
    look::{SLASHES, at, before, line_end, line_start, past_colours, quote, quoted_end, run, run_back},
    rules::Rule,
    scan::{MASK, REACH, Scan, Sign, words},
};

/// What may follow the word in a name that still names a secret: `secret_key`, `password2`, `token_value`.
const TAILS: &[&str] = &[
    "",
    "key",
    "keybase",
    "value",
    "base64",
    "b64",
    "hash",
    "string",
    "plain",
    "plaintext",
    "new",
    "old",
    "current",
    "header",
    "authtoken",
];

/// The longest name, in bytes.
const NAME_MAX: usize = 64;

/// How a name and its value are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    Equals,
    Colon,
    /// `%3D`
    Encoded,
    /// `<name>value</name>`
    Element,
    /// `--name value`
    Flag,
    /// `name: …`, then `value: …` on its own.
    Pair,
}

fn name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether what follows the word leaves it the name of a secret.
fn tail(sign: Sign, word: &str, text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    if sign == Sign::Pass || text.len() > 12 {
        return false;
    }
    let bare: String = text.bytes().filter(|byte| byte.is_ascii_alphabetic()).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    // `tokens` and `secrets` are counted, not told.
    let plural = || text.eq_ignore_ascii_case("s") && (word.eq_ignore_ascii_case("credential") || word.eq_ignore_ascii_case("password"));
    TAILS.contains(&bare.as_str()) || plural()
}

/// Whether a whole name says that its value is a secret; for fields of parsed documents.
pub(super) fn telling(name: &str) -> Option<Sign> {
    if name.len() > 2 * NAME_MAX || name.rsplit_once('/').is_some_and(|(_, last)| annotation(last)) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let ends = |sign: Sign| {
        let mut words = words(sign).iter();
        words.any(|word| lower.rfind(word).is_some_and(|at| tail(sign, word, lower.get(at + word.len()..).unwrap_or_default())))
    };
    if ends(Sign::Hard) || lower.ends_with("_pass") || lower == "pass" { Some(Sign::Hard) } else { ends(Sign::Soft).then_some(Sign::Soft) }
}

/// Operators keep digests of the secrets they depend on in annotations: `operator.example.io/dep-db.secret`.
fn annotation(last: &str) -> bool {
    last.len() > ".secret".len() && last.ends_with(".secret")
}

impl Scan<'_> {
    pub(super) fn assigned(&mut self, sign: Sign, start: usize, end: usize) {
        let name_end = run(self.bytes, end, NAME_MAX, name_byte);
        self.work += name_end - end;
        if sign == Sign::Soft && self.is_kind(start, name_end) {
            kube::manifest(self, start, name_end);
        }
        if !tail(sign, self.part(start, end), self.part(end, name_end)) {
            return;
        }
        let mut name_start = run_back(self.bytes, start, NAME_MAX, name_byte);
        self.work += start - name_start;
        // The letter of an escape is not part of the name.
        if before(self.bytes, name_start) == b'\\' && name_start < start {
            name_start += 1;
        }
        let name = self.part(name_start, name_end);
        if sign == Sign::Pass
            && !(name == "pass" || name.ends_with("_pass") || name.ends_with("-pass") || name.ends_with("_PASS") || name == "PASS")
        {
            return;
        }
        if before(self.bytes, name_start) == b'/' && annotation(name) {
            return;
        }
        let Some((joined, from)) = self.joined(name_start, name_end, name.contains("--")) else { return };
        let Some((from, to, quoted)) = self.value(joined, from, name_start) else { return };
        let value = self.part(from, to);
        if self.no_secret(sign, name, value, joined, quoted) {
            return;
        }
        self.take(from, to, Rule::Secret);
    }

    /// Statements that name no secret but contain one: `IDENTIFIED BY '…'`, `requirepass …`.
    pub(super) fn statement(&mut self, end: usize) {
        let from = run(self.bytes, end, 4, |byte| byte == b' ');
        let value = match quote(self.bytes, from) {
            Some(open) => (open.inside, quoted_end(self.bytes, open, 256).0),
            None if matches!(self.part(end - 4, end), "pass" | "auth") => (from, run(self.bytes, from, 256, |byte| byte > b' ')),
            None => return,
        };
        self.work += value.1 - end;
        if from > end && !harmless::value("", self.part(value.0, value.1), true, true) {
            self.take(value.0, value.1, Rule::Secret);
        }
    }

    fn no_secret(&self, sign: Sign, name: &str, value: &str, joined: Joined, quoted: bool) -> bool {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let shaped = value.len() >= 16 && digits > 0 && !value.contains(' ') && !value.contains("://");
        match sign {
            Sign::Shaped if !shaped => return true,
            Sign::Pass if digits == value.len() || !(quoted || joined == Joined::Equals || joined == Joined::Encoded) => return true,
            _ => {}
        }
        harmless::value(name, value, sign == Sign::Soft, quoted)
    }

    /// How the name is joined to a value, and where the search for the value begins.
    fn joined(&self, name_start: usize, name_end: usize, flag: bool) -> Option<(Joined, usize)> {
        let bytes = self.bytes;
        let mut index = past_colours(bytes, name_end);
        let closed = quote(bytes, index);
        if let Some(closed) = closed {
            index = closed.inside;
        }
        if at(bytes, index) == b']' {
            index += 1;
        }
        let next = past_colours(bytes, run(bytes, index, 8, |byte| matches!(byte, b' ' | b'\t')));
        match at(bytes, next) {
            b'=' => {
                return Some((
                    Joined::Equals,
                    next + run(bytes, next, 2, |byte| byte == b'=').saturating_sub(next) + usize::from(at(bytes, next + 1) == b'>'),
                ));
            }
            b':' if at(bytes, next + 1) == b'=' => return Some((Joined::Equals, next + 2)),
            b':' if at(bytes, next + 1) != b':' => return Some((Joined::Colon, next + 1)),
            b'>' if next == name_end && before(bytes, name_start) == b'<' => return Some((Joined::Element, next + 1)),
            b'%' if self.part(next, next + 3).eq_ignore_ascii_case("%3d") || self.part(next, next + 3).eq_ignore_ascii_case("%3a") => {
                return Some((Joined::Encoded, next + 3));
            }
            _ => {}
        }
        // `{"name": "TOKEN", "value": "…"}` and the same in YAML.
        let gap = run(bytes, index, 40, |byte| matches!(byte, b' ' | b'\t' | b',' | b'\n' | b'\r'));
        let slashes = run(bytes, gap, SLASHES, |byte| byte == b'\\');
        let gap = if slashes > gap && at(bytes, slashes) == b'n' { run(bytes, slashes + 1, 40, |byte| byte == b' ') } else { gap };
        let inside = quote(bytes, gap).map_or(gap, |open| open.inside);
        if gap > index && self.part(inside, inside + 5).eq_ignore_ascii_case("value") {
            let after = quote(bytes, inside + 5).map_or(inside + 5, |close| close.inside);
            let after = run(bytes, after, 4, |byte| byte == b' ');
            if matches!(at(bytes, after), b':' | b'=') {
                return Some((Joined::Pair, after + 1));
            }
        }
        let spaced = run(bytes, index, 8, |byte| matches!(byte, b' ' | b','));
        (flag && spaced > index && at(bytes, spaced) != b'-').then_some((Joined::Flag, spaced))
    }

    /// Where the value stands, and whether it was quoted.
    fn value(&mut self, joined: Joined, from: usize, name_start: usize) -> Option<(usize, usize, bool)> {
        let bytes = self.bytes;
        let mut index = from;
        for _ in 0..2 {
            index = past_colours(bytes, run(bytes, index, 64, |byte| matches!(byte, b' ' | b'\t')));
        }
        if joined == Joined::Element {
            let to = run(bytes, from, REACH, |byte| byte != b'<' && byte != b'\n');
            self.work += to - from;
            return Some((from, to, true));
        }
        if at(bytes, index) == b'[' && quote(bytes, index + 1).is_some() {
            index += 1;
        }
        if matches!(at(bytes, index), b'b' | b'u' | b'r') && matches!(at(bytes, index + 1), b'"' | b'\'') {
            index += 1;
        }
        if let Some(block) = self.block(index, name_start) {
            return Some((block.0, block.1, true));
        }
        if let Some(open) = quote(bytes, index) {
            let (to, closed) = quoted_end(bytes, open, REACH);
            self.work += to - index;
            // Without an end in reach nobody knows where the secret ends but for the line.
            let to = if closed { to } else { line_end(bytes, to) };
            return Some((open.inside, to, true));
        }
        let to = self.unquoted(index);
        let to = if joined == Joined::Encoded { encoded_end(self.part(index, to)).map_or(to, |end| index + end) } else { to };
        Some((index, to, false))
    }

    /// A block of YAML (`|`, `>`): the deeper lines that follow.
    pub(super) fn block(&mut self, index: usize, name_start: usize) -> Option<(usize, usize)> {
        if !matches!(at(self.bytes, index), b'|' | b'>') {
            return None;
        }
        let rest = run(self.bytes, index + 1, 4, |byte| matches!(byte, b'-' | b'+' | b' ' | b'0'..=b'9'));
        if at(self.bytes, rest) != b'\n' {
            return self.escaped_block(rest);
        }
        let indent = kube::indent(self.bytes, line_start(self.bytes, name_start));
        let to = kube::deeper(self.bytes, rest + 1, indent);
        self.work += to - index;
        let from = run(self.bytes, rest + 1, REACH, |byte| byte == b' ');
        (from < to).then_some((from, to))
    }

    /// The same inside a string, where `\\n` stands for the ends of lines.
    fn escaped_block(&mut self, from: usize) -> Option<(usize, usize)> {
        let bytes = self.bytes;
        let length = run(bytes, from, SLASHES, |byte| byte == b'\\') - from + 1;
        let ends = |index: usize| {
            index
                .checked_add(length)
                .and_then(|to| bytes.get(index..to))
                .is_some_and(|escape| length > 1 && escape.ends_with(b"n") && escape.starts_with(b"\\"))
        };
        let mut to = from;
        while ends(to) && to < from + REACH {
            let inside = run(bytes, to + length, 64, |byte| byte == b' ');
            if inside == to + length {
                break;
            }
            to = run(bytes, inside, REACH, |byte| !matches!(byte, b'\\' | b'"' | b'\'' | b'\n'));
        }
        self.work += to - from;
        let start = run(bytes, from + length, 64, |byte| byte == b' ');
        (start < to).then_some((start, to))
    }

    /// Where a value without quotes ends. Marks like `,` end it only where something new begins behind them: passwords contain them too.
    fn unquoted(&mut self, from: usize) -> usize {
        if (self.run.0..self.run.1).contains(&from) {
            return self.run.1;
        }
        let bytes = self.bytes;
        let last = (from + REACH).min(bytes.len());
        let mut index = from;
        while index < last {
            let byte = at(bytes, index);
            let ends = match byte {
                MASK => false,
                0..=b' ' | b'"' | b'\'' | b'`' | 0x7f => true,
                b',' | b';' | b'&' | b'}' | b']' | b')' => self.new_behind(index),
                b'\\' => {
                    let behind = run(bytes, index, SLASHES, |byte| byte == b'\\');
                    matches!(at(bytes, behind), b'"' | b'\'' | b'`')
                        || (matches!(at(bytes, behind), b'n' | b'r' | b't') && index >= from + 4)
                }
                _ => false,
            };
            if ends {
                break;
            }
            index += 1;
        }
        self.work += index - from;
        if index == last {
            index = run(bytes, index, bytes.len(), |byte| byte > b' ' || byte == MASK);
        }
        self.run = (from, index);
        index
    }

    /// Whether a new thing begins behind this mark: nothing, a space, another mark, or a name with `=` or `:`.
    fn new_behind(&self, index: usize) -> bool {
        let next = at(self.bytes, index + 1);
        if next <= b' '
            || matches!(next, b'"' | b'\'' | b'`' | b',' | b';' | b'&' | b'}' | b']' | b')' | b'\\' | b'{' | b'[' | b'<' | b'>' | b'.')
        {
            return true;
        }
        let spaces = at(self.bytes, index) == b';';
        let end = run(self.bytes, index + 1, 40, |byte| name_byte(byte) || (spaces && byte == b' '));
        end > index + 1 && matches!(at(self.bytes, end), b'=' | b':')
    }
}

/// Where an escaped value in a query ends: before an escaped `&`, space or quote.
fn encoded_end(value: &str) -> Option<usize> {
    let lower = value.to_ascii_lowercase();
    ["%26", "%20", "%22", "%0a", "%3b"].iter().filter_map(|end| lower.find(end)).min()
}
