//! Shapes of words: numbers, identifiers, addresses, paths.

use super::{VALUE, words};

/// An IPv6 address in full has 39 bytes.
const LONGEST_ADDRESS: usize = 48;

/// A mark, which is a token of its own.
pub const MARK: u8 = 1;
/// A byte that only values have.
pub const OF_VALUE: u8 = 2;
/// `:`, `/` and `\\`: an address or a path may be here.
pub const COLON: u8 = 4;
pub const SLASH: u8 = 8;
/// `*`, `-` and `.`, of which a whole word may be made.
pub const RULE: u8 = 16;
/// Neither a hexadecimal digit nor anything that a value has.
pub const NOT_HEX: u8 = 32;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "at is below 256")]
        {
            table[at] = class_of(at as u8);
        }
        at += 1;
    }
    table
}

const fn class_of(b: u8) -> u8 {
    match b {
        b':' => MARK | COLON | NOT_HEX,
        b'=' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|' | b'"' | b'\'' | b'`' | b'#' | b'&' | b'?'
        | b'!' => MARK | NOT_HEX,
        b'0'..=b'9' | b'@' | VALUE => OF_VALUE,
        b'\\' => OF_VALUE | SLASH,
        b'/' => SLASH | NOT_HEX,
        b'*' | b'-' | b'.' => RULE | NOT_HEX,
        b'a'..=b'f' | b'A'..=b'F' => 0,
        _ => NOT_HEX,
    }
}

pub fn class(b: u8) -> u8 {
    CLASSES.get(usize::from(b)).copied().unwrap_or(NOT_HEX)
}

/// The classes of all bytes.
pub fn classes_of(word: &[u8]) -> u8 {
    word.iter().fold(0, |seen, b| seen | class(*b))
}

pub fn is_mark(b: u8) -> bool {
    class(b) & MARK != 0
}

/// A word without marks that is a value, from the classes of its bytes.
pub fn is_value(part: &[u8], classes: u8) -> bool {
    if classes & OF_VALUE != 0 {
        return part.len() > 6 || !words::is_word_with_digit(part);
    }
    // eight letters from `a` to `f` are an identifier; `-` and `****` stand where a value is missing or hidden
    (classes & NOT_HEX == 0 && part.len() >= 8)
        || (classes & RULE != 0 && (part == b"-" || part == b"--" || (part.len() > 1 && part.iter().all(|b| *b == b'*'))))
}

/// A path has no `=` but in its query.
pub fn is_path(word: &[u8]) -> bool {
    memchr::memchr2(b'=', b'?', word).is_none_or(|at| word.get(at) == Some(&b'?'))
}

/// Where `5c:50:15:4c:18:13`, `2607:f140::8` or `db1.example:5432` ends, whose part up to the first colon is known.
pub fn address(bytes: &[u8], start: usize, colon: usize) -> Option<usize> {
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
    for b in rest.iter().take(LONGEST_ADDRESS) {
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
pub fn compound(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?;
    if matches!(rest.first(), Some(b'"' | b'\'' | b'[' | b'(' | b'{' | b'<') | None) {
        return None;
    }
    let length = rest.iter().take_while(|b| !matches!(b, b',' | b';' | b')' | b']' | b'&' | b'|' | b'"' | b'\'')).count();
    let value = rest.get(..length)?;
    (value.iter().any(|b| is_mark(*b) && *b != b'=') && value.iter().any(u8::is_ascii_digit)).then_some(start + length)
}

/// `status 503`, `HTTP 503`: another status is another statement.
pub fn is_status(part: &[u8], previous: &str) -> bool {
    part.len() == 3
        && matches!(part.first(), Some(b'1'..=b'5'))
        && part.iter().all(u8::is_ascii_digit)
        && matches!(previous, "status" | "Status" | "HTTP" | "http")
}
