//! What clients send to prove who they are: `Authorization`, `Bearer …`, cookies.

use super::{
    harmless,
    look::{SLASHES, at, begins_word, colour, past_colours, quote, quoted_end, run},
    rules::{Chars, Rule},
    scan::{MASK, REACH, Scan},
};

/// The words that follow `basic` and `bearer` in a sentence.
const PROSE: &[&str] =
    &["authentication", "authorization", "authenticated", "authenticator", "authorizations", "configuration", "credentials"];

/// What a cookie says about itself.
const ATTRIBUTES: &[&str] =
    &["path", "expires", "max-age", "domain", "samesite", "secure", "httponly", "partitioned", "priority", "version", "comment"];

impl Scan<'_> {
    /// `Bearer …`, `Basic …` anywhere.
    pub(super) fn scheme(&mut self, start: usize, end: usize) {
        if !begins_word(self.bytes, start) {
            return;
        }
        let from = self.gap(end);
        if from == end {
            return;
        }
        let to = run(self.bytes, from, 2 * REACH, |byte| Chars::Base64.has(byte));
        self.work += to - end;
        let value = self.part(from, to);
        let word = value.trim_end_matches(['.', '=']).to_ascii_lowercase();
        if to - from < 12 || PROSE.contains(&word.as_str()) || harmless::placeholder(value) {
            return;
        }
        self.take(from, to, Rule::Authorization);
    }

    /// Spaces, as themselves or escaped for a query.
    fn gap(&self, from: usize) -> usize {
        let to = run(self.bytes, from, 4, |byte| matches!(byte, b' ' | b'\t' | b'+'));
        if to == from && self.part(from, from + 3) == "%20" { from + 3 } else { to }
    }

    /// `Authorization: <scheme> <credentials>` with any scheme.
    pub(super) fn header(&mut self, end: usize) {
        let Some((from, to)) = self.header_value(end) else { return };
        let value = self.part(from, to);
        let scheme = value.split([' ', '\t']).next().unwrap_or_default();
        let named = scheme.len() < value.trim_end().len();
        if harmless::word(scheme) || harmless::placeholder(value) || scheme.ends_with(':') {
            return;
        }
        if !named {
            let to = from + scheme.trim_end_matches([',', ';', ')', '}', ']']).len();
            if to - from >= 8 && !PROSE.contains(&scheme.to_ascii_lowercase().as_str()) && !scheme.contains('[') {
                self.take(from, to, Rule::Authorization);
            }
            return;
        }
        let known = [
            "basic",
            "bearer",
            "digest",
            "negotiate",
            "ntlm",
            "token",
            "apikey",
            "api-key",
            "geniekey",
            "hmac",
            "splunk",
            "bot",
            "key",
            "oauth",
            "hoba",
            "mutual",
        ];
        let lower = scheme.to_ascii_lowercase();
        if !known.contains(&lower.as_str()) && !lower.starts_with("aws4-") && !lower.starts_with("scram-") {
            // Another thing than a scheme is the credentials itself, and the rest of the line something else.
            if scheme.len() >= 16 && scheme.bytes().any(|byte| byte.is_ascii_digit()) {
                self.take(from, from + scheme.trim_end_matches([',', ';', ')', '}', ']']).len(), Rule::Authorization);
            }
            return;
        }
        let start = run(self.bytes, from + scheme.len(), 8, |byte| matches!(byte, b' ' | b'\t'));
        let listed =
            lower.starts_with("aws4-") || lower.starts_with("scram-") || matches!(lower.as_str(), "digest" | "oauth" | "hmac" | "mutual");
        let single = |byte: u8| (byte > b' ' && !matches!(byte, b',' | b';' | b'}' | b']' | b')')) || byte == MASK;
        let end = if listed { self.parameters(start).max(to) } else { run(self.bytes, start, to - start.min(to), single) };
        let first = self.part(start, end);
        if end - start.min(end) >= 4
            && !harmless::word(first)
            && !harmless::placeholder(first)
            && !PROSE.contains(&first.to_ascii_lowercase().as_str())
            && !first.ends_with(':')
        {
            self.take(start, end, Rule::Authorization);
        }
    }

    /// Where `a="…", b=…` ends: some schemes send their credentials in parameters.
    fn parameters(&mut self, from: usize) -> usize {
        let bytes = self.bytes;
        let mut end = from;
        while end < from + REACH {
            let name = run(bytes, end, 4, |byte| matches!(byte, b' ' | b','));
            let equals = run(bytes, name, 64, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            if equals == name || at(bytes, equals) != b'=' {
                break;
            }
            end = match quote(bytes, equals + 1) {
                Some(open) => {
                    let (to, _) = quoted_end(bytes, open, REACH);
                    quote(bytes, to).map_or(to, |close| close.inside)
                }
                None => run(bytes, equals + 1, REACH, |byte| byte > b' ' && !matches!(byte, b',' | b'"' | b'\'' | b'\\')),
            };
        }
        self.work += end - from;
        end
    }

    /// The value of a header whose name ends at `end`: to its closing quote or the end of the line.
    fn header_value(&mut self, end: usize) -> Option<(usize, usize)> {
        let bytes = self.bytes;
        let mut index = past_colours(bytes, end);
        let named = quote(bytes, index);
        if let Some(close) = named {
            index = close.inside;
        }
        index = run(bytes, index, 4, |byte| byte == b' ');
        if !matches!(at(bytes, index), b':' | b'=') || at(bytes, index + 1) == b':' {
            return None;
        }
        index = past_colours(bytes, run(bytes, index + 1, 8, |byte| matches!(byte, b' ' | b'\t' | b'=')));
        if at(bytes, index) == b'[' {
            index += 1;
        }
        if let Some(open) = quote(bytes, index) {
            let (to, _) = quoted_end(bytes, open, REACH);
            self.work += to - end;
            return Some((open.inside, to));
        }
        let mut to = index;
        while to < (index + REACH).min(bytes.len()) {
            let byte = at(bytes, to);
            let escaped = byte == b'\\'
                && matches!(at(bytes, run(bytes, to, SLASHES, |byte| byte == b'\\')), b'"' | b'\'' | b'n' | b'r' | b'u' | b'x');
            if matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'`' | b']') || escaped || colour(bytes, to).is_some() {
                break;
            }
            to += 1;
        }
        self.work += to - end;
        Some((index, to))
    }

    /// `Cookie: a=…; b=…` and `Set-Cookie: a=…; Path=/`: the values, not the names and attributes.
    pub(super) fn cookies(&mut self, end: usize) {
        let end = end + usize::from(matches!(at(self.bytes, end), b's' | b'S') && matches!(at(self.bytes, end + 1), b':' | b'=' | b'"'));
        let Some((from, to)) = self.header_value(end) else { return };
        let mut index = from;
        for pair in self.part(from, to).split(';') {
            let start = index;
            index += pair.len() + 1;
            let Some((name, value)) = pair.split_once('=') else { continue };
            let name = name.trim();
            let plain = !name.is_empty()
                && name.len() <= 128
                && name.bytes().all(|byte| byte > b' ' && byte < 0x7f && !matches!(byte, b',' | b'(' | b'{' | b'<'));
            if !plain
                || ATTRIBUTES.contains(&name.to_ascii_lowercase().as_str())
                || value.len() < 4
                || harmless::placeholder(value)
                || harmless::word(value)
            {
                continue;
            }
            let value_start = start + pair.len() - value.len();
            // Behind a comma or space something else begins: a cookie contains neither.
            let value_end = run(self.bytes, value_start, value.len(), |byte| (byte > b' ' || byte == MASK) && byte != b',' && byte != b'}');
            self.take(value_start, value_end, Rule::Cookie);
        }
    }
}
