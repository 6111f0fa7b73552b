//! Small looks at bytes: where a word begins, how far a run goes, where a quoted text ends.

/// Backslashes before one quote: a text escaped seven times has 127.
pub(super) const SLASHES: usize = 128;

/// The byte there, or 0 where there is none.
pub(super) fn at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

/// The byte before, or 0 at the beginning.
pub(super) fn before(bytes: &[u8], index: usize) -> u8 {
    index.checked_sub(1).map_or(0, |index| at(bytes, index))
}

/// Where the run of bytes that begins at `from` ends; at most `most` bytes on.
pub(super) fn run(bytes: &[u8], from: usize, most: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|byte| fits(**byte)).count()
}

/// Where the run of bytes that ends before `to` begins; at most `most` bytes back.
pub(super) fn run_back(bytes: &[u8], to: usize, most: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(..to).unwrap_or_default();
    to - rest.iter().rev().take(most).take_while(|byte| fits(**byte)).count()
}

/// Whether a word can begin here: also behind an escape (`\n`, `%3D`) or a colour (`ESC[31m`), whose last letter belongs to no word.
pub(super) fn begins_word(bytes: &[u8], index: usize) -> bool {
    let last = before(bytes, index);
    if !(last.is_ascii_alphanumeric() || last == b'_') {
        return true;
    }
    let (second, third) = (before(bytes, index.saturating_sub(1)), before(bytes, index.saturating_sub(2)));
    if matches!(last, b'n' | b'r' | b't') && second == b'\\' && index >= 2 {
        return true;
    }
    if last.is_ascii_hexdigit() && second.is_ascii_hexdigit() && third == b'%' && index >= 3 {
        return true;
    }
    if last.is_ascii_hexdigit() && index >= 6 {
        let escape = bytes.get(index - 6..index).unwrap_or_default();
        if escape.starts_with(b"\\u00") {
            return true;
        }
    }
    if last == b'm' {
        let from = run_back(bytes, index - 1, 12, |byte| byte.is_ascii_digit() || byte == b';');
        return before(bytes, from) == b'[' && from >= 2 && escape_back(bytes, from - 1);
    }
    false
}

/// Whether an escape character, as itself or spelled out, ends before `index`.
fn escape_back(bytes: &[u8], index: usize) -> bool {
    let head = bytes.get(..index).unwrap_or_default();
    before(bytes, index) == 0x1b
        || ["\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033", "\\e"].iter().any(|spelled| head.ends_with(spelled.as_bytes()))
}

/// Behind the colours that begin here, if any.
pub(super) fn past_colours(bytes: &[u8], mut index: usize) -> usize {
    while let Some(next) = colour(bytes, index) {
        index = next;
    }
    index
}

/// Where the colour that begins here ends.
pub(super) fn colour(bytes: &[u8], index: usize) -> Option<usize> {
    let rest = bytes.get(index..)?;
    let open = match rest.first()? {
        0x1b => 1,
        b'\\' => {
            let slashes = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
            let spelled = rest.get(slashes..)?;
            let found = ["u001b", "u001B", "x1b", "x1B", "033", "e"].iter().find(|word| spelled.starts_with(word.as_bytes()))?;
            slashes + found.len()
        }
        _ => return None,
    };
    if at(rest, open) != b'[' {
        return None;
    }
    let end = run(rest, open + 1, 12, |byte| byte.is_ascii_digit() || byte == b';');
    at(rest, end).is_ascii_alphabetic().then_some(index + end + 1)
}

/// An opening quote: its character, how often it is escaped, and where the text behind it begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    byte: u8,
    depth: u32,
    pub(super) inside: usize,
}

/// The quote that begins here, with the backslashes of the strings around it.
pub(super) fn quote(bytes: &[u8], index: usize) -> Option<Quote> {
    let end = run(bytes, index, SLASHES, |byte| byte == b'\\');
    let byte = at(bytes, end);
    if !matches!(byte, b'"' | b'\'' | b'`') {
        return None;
    }
    // One escaping makes one backslash, two make three, three make seven.
    let depth = usize::BITS - (end - index).leading_zeros();
    Some(Quote { byte, depth, inside: end + 1 })
}

/// Where the text behind `quote` ends: before its closing quote, before the end of a string around it, or at the end of the line.
/// The second value tells whether the closing quote was found within `most` bytes.
pub(super) fn quoted_end(bytes: &[u8], quote: Quote, most: usize) -> (usize, bool) {
    let mut index = quote.inside;
    let last = (quote.inside + most).min(bytes.len());
    while index < last {
        let byte = at(bytes, index);
        if byte == b'\n' {
            return (index, false);
        }
        let ends = match quote.byte {
            b'\'' | b'`' => byte == quote.byte || (byte == b'"' && quote.depth == 0 && ends_around(bytes, index)),
            _ => byte == quote.byte,
        };
        if ends {
            let from = run_back(bytes, index, index - quote.inside, |byte| byte == b'\\');
            let mut slashes = index - from;
            let mut outer = false;
            for _ in 0..quote.depth {
                if slashes.is_multiple_of(2) {
                    outer = true;
                    break;
                }
                slashes = (slashes - 1) / 2;
            }
            let doubled = byte == b'\'' && index > quote.inside && at(bytes, index + 1) == b'\'';
            if outer || (slashes.is_multiple_of(2) && !doubled) {
                let end = if quote.depth > 0 { from } else { index };
                return (end, true);
            }
            if doubled {
                index += 1;
            }
        }
        index += 1;
    }
    (last, last == bytes.len())
}

/// Whether a double quote inside single quotes ends a string around both: what follows it is punctuation of JSON.
fn ends_around(bytes: &[u8], index: usize) -> bool {
    before(bytes, index) != b'\\' && matches!(at(bytes, run(bytes, index + 1, 4, |byte| byte == b' ')), b',' | b'}' | b']' | 0 | b'\n')
}

/// Where the line ends.
pub(super) fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', bytes.get(from..).unwrap_or_default()).map_or(bytes.len(), |found| from + found)
}

/// Where the line begins.
pub(super) fn line_start(bytes: &[u8], to: usize) -> usize {
    memchr::memrchr(b'\n', bytes.get(..to).unwrap_or_default()).map_or(0, |found| found + 1)
}
